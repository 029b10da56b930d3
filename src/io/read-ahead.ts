import type { HostTensor } from '../tensor/dtype.ts';
import type { TensorSource } from './tensor-source.ts';

/** A source that reads tensors before they are asked for, so that reading and computing overlap. */
export interface ReadAhead<T extends TensorSource> {
  readonly source: T;
  /** Starts reading these tensors; what was fetched the time before last is dropped. */
  fetch(names: readonly string[]): void;
}

/** A failed read ahead is reported when the tensor is asked for. */
export function readAhead<T extends TensorSource>(source: T): ReadAhead<T> {
  let fetched = new Map<string, Promise<HostTensor>>();
  let before = new Map<string, Promise<HostTensor>>();
  const held = (name: string) => fetched.get(name) ?? before.get(name);
  return {
    source: {
      ...source,
      read: (name) => held(name) ?? source.read(name),
      async readRows(name, rowStart, rowEnd) {
        const tensor = await held(name);
        if (!tensor) return source.readRows(name, rowStart, rowEnd);
        const rowBytes = tensor.data.length / tensor.shape[0]!;
        const data = tensor.data.subarray(rowStart * rowBytes, rowEnd * rowBytes);
        return { ...tensor, shape: [rowEnd - rowStart, ...tensor.shape.slice(1)], data };
      },
    },
    fetch(names) {
      before = fetched;
      fetched = new Map(names.map((name) => [name, source.read(name)]));
      for (const tensor of fetched.values()) tensor.catch(() => {});
    },
  };
}
