import type { TensorSource } from '../../io/model/tensor-source.ts';
import { byteLength, type HostTensor } from '../../tensor/dtype.ts';
import { findUnfitValue, type UnfitValue } from '../../tensor/unfit-value.ts';
import { InputError } from '../../util/errors.ts';

/** Bytes that are read at a time, and how many such reads are under way. */
const PIECE_BYTES = 8 * 2 ** 20;
const READS = 3;

/** Rows of a tensor. */
interface Piece {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly bytes: number;
}

/**
 * Reads all values of these tensors, in the order in which they lie in their files, and looks for what no half can
 * hold: ExLlamaV2 computes in halves, and NaN or infinity makes all that follows NaN.
 * @param names each once. @param onPiece called with the bytes that are done, and the tensor under way; throws to stop.
 * @throws InputError that names tensor, position and value.
 */
export async function checkValues(
  source: TensorSource,
  names: ReadonlySet<string>,
  onPiece: (done: number, name: string) => Promise<void> | void,
): Promise<void> {
  const pieces = source.names().flatMap((name) => (names.has(name) ? piecesOf(source, name) : []));
  const memory = Array.from({ length: READS }, () => new Uint8Array(PIECE_BYTES));
  const read = async ({ name, start, end, bytes }: Piece, number: number): Promise<HostTensor> => {
    const target = bytes <= PIECE_BYTES ? memory[number % READS]!.subarray(0, bytes) : undefined;
    return source.readRows(name, start, end, target);
  };
  const reading: Promise<HostTensor>[] = [];
  const readNext = (number: number) => {
    const piece = pieces[number];
    if (!piece) return;
    const promise = read(piece, number);
    promise.catch(() => {}); // thrown where it is awaited
    reading.push(promise);
  };
  try {
    for (let number = 0; number < READS; number++) readNext(number);
    let done = 0;
    for (const [number, { name, start, bytes }] of pieces.entries()) {
      await onPiece(done, name);
      const tensor = await reading.shift()!;
      const unfit = findUnfitValue(tensor);
      if (unfit) throw unfitError(source, name, start, unfit);
      done += bytes;
      readNext(number + READS);
    }
  } finally {
    await Promise.allSettled(reading);
  }
}

/** Bytes that {@link checkValues} reads. */
export const valueBytes = (source: TensorSource, names: ReadonlySet<string>): number =>
  [...names].reduce((sum, name) => sum + byteLength(source.requireInfo(name)), 0);

function piecesOf(source: TensorSource, name: string): Piece[] {
  const info = source.requireInfo(name);
  const [rows = 1] = info.shape;
  const rowBytes = byteLength(info) / rows;
  const step = Math.max(1, Math.floor(PIECE_BYTES / rowBytes));
  return Array.from({ length: Math.ceil(rows / step) }, (_, i) => {
    const [start, end] = [i * step, Math.min(rows, (i + 1) * step)];
    return { name, start, end, bytes: (end - start) * rowBytes };
  });
}

function unfitError(
  source: TensorSource,
  name: string,
  row: number,
  { index, value }: UnfitValue,
): InputError {
  const { dtype, shape } = source.requireInfo(name);
  const rowSize = shape.slice(1).reduce((a, b) => a * b, 1);
  const element = row * rowSize + index;
  const position =
    shape.length > 1
      ? `row ${Math.floor(element / rowSize)}, column ${element % rowSize} (element ${element})`
      : `element ${element}`;
  const where = `tensor ${name} (${dtype}, ${shape.join(' × ')}) has ${Number(value.toPrecision(6))} in ${position},`;
  if (!Number.isFinite(value)) {
    return new InputError(
      `${where} which is no number: the file is damaged, or the model broke when it was trained or merged. Get the ` +
        'file again, and compare its checksum with the one on the model’s page; if it is the same there, the model ' +
        'cannot be used.',
    );
  }
  return new InputError(
    `${where} and halves (f16), in which ExLlamaV2 computes, end at 65504: EXL2 cannot hold this model. If the file ` +
      'is damaged, get it again. If the value is meant, clamp the tensor to ±65504 in Python (torch.clamp), save the ' +
      'model and see whether it still works.',
  );
}
