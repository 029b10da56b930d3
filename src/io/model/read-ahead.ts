import { byteLength, type HostTensor } from '../../tensor/dtype.ts';
import type { TensorSource } from './tensor-source.ts';

/** A source that reads tensors before they are asked for, so that reading and computing overlap. */
export interface ReadAhead<T extends TensorSource> {
  readonly source: T;
  /**
   * Starts reading these tensors. What was fetched the time before last is dropped, and its memory used again: nothing
   * may look at it any more.
   */
  fetch(names: readonly string[]): void;
}

/** Tensors being read, and the memory of those that are. */
interface Fetched {
  readonly tensors: ReadonlyMap<string, Promise<HostTensor>>;
  readonly memory: Uint8Array<ArrayBuffer>[];
}

const NOTHING: Fetched = { tensors: new Map(), memory: [] };

/** A failed read ahead is reported when the tensor is asked for. */
export function readAhead<T extends TensorSource>(source: T): ReadAhead<T> {
  let fetched = NOTHING;
  let before = NOTHING;
  const held = (name: string) => fetched.tensors.get(name) ?? before.tensors.get(name);

  const fetch = (names: readonly string[]): Fetched => {
    const free = [...before.memory];
    const memory: Uint8Array<ArrayBuffer>[] = [];
    const start = async (name: string): Promise<HostTensor> => {
      const bytes = byteLength(source.requireInfo(name));
      const used = free.findIndex(({ length }) => length === bytes);
      const tensor = await source.read(name, used < 0 ? undefined : free.splice(used, 1)[0]);
      memory.push(tensor.data as Uint8Array<ArrayBuffer>);
      return tensor;
    };
    const tensors = new Map(names.map((name) => [name, start(name)]));
    for (const tensor of tensors.values()) tensor.catch(() => {});
    return { tensors, memory };
  };

  return {
    source: {
      ...source,
      read: (name, target) => held(name) ?? source.read(name, target),
      async readRows(name, rowStart, rowEnd, target) {
        const tensor = await held(name);
        if (!tensor) return source.readRows(name, rowStart, rowEnd, target);
        const rowBytes = tensor.data.length / tensor.shape[0]!;
        const data = tensor.data.subarray(rowStart * rowBytes, rowEnd * rowBytes);
        return { ...tensor, shape: [rowEnd - rowStart, ...tensor.shape.slice(1)], data };
      },
    },
    fetch(names) {
      const next = fetch(names);
      before = fetched;
      fetched = next;
    },
  };
}
