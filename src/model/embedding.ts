import type { Gpu } from '../gpu/gpu.ts';
import { type Scope, withScope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import type { TensorSource } from '../io/tensor-source.ts';
import { embed } from '../kernels/model/embed.ts';
import { DTYPES } from '../tensor/dtype.ts';
import { assert, InputError } from '../util/errors.ts';
import { forEachBatch } from './batches.ts';
import type { ModelOutline } from './plan.ts';
import type { HiddenStates } from './states.ts';

/** Bytes of the table that are read at a time. */
const READ_BYTES = 64 * 2 ** 20;
/** Share of the free GPU memory that vectors may take. */
const VECTORS_SHARE = 0.25;

/** Embeddings of some tokens, as they lie in the file. */
export interface Embeddings {
  readonly dtype: keyof typeof embed;
  /** Elements of a vector. */
  readonly hidden: number;
  readonly rowBytes: number;
  /** Number of each token's vector in `data`. */
  readonly places: ReadonlyMap<number, number>;
  readonly data: Uint8Array<ArrayBuffer>;
}

/**
 * Fills the states, each with as many of the first rows as it has, with the token embeddings. The vectors that occur
 * go to the GPU and are spread there: at once, or for as many rows at a time as memory allows.
 * @param ids token ids, (rows, length).
 */
export async function embedTokens(
  gpu: Gpu,
  source: TensorSource,
  plan: ModelOutline,
  ids: Int32Array,
  states: readonly HiddenStates[],
): Promise<void> {
  const { length } = states[0]!;
  const rows = Math.max(...states.map((each) => each.rows));
  const all = await readEmbeddings(source, plan, ids.subarray(0, rows * length));
  const { maxStorageBufferBindingSize, maxBufferSize } = gpu.device.limits;
  const room = Math.min(gpu.memory.available * VECTORS_SHARE, maxStorageBufferBindingSize, maxBufferSize);
  const fits = all.data.length <= room;
  const step = fits ? rows : Math.max(1, Math.floor(room / (length * all.rowBytes)));
  for (let first = 0; first < rows; first += step) {
    const part = ids.subarray(first * length, Math.min(rows, first + step) * length);
    const vectors = fits ? all : chosen(all, part);
    await withScope(gpu, async (scope) => {
      const table = uploadEmbeddings(gpu, scope, vectors);
      await forEachBatch(gpu, part.length / length, 1, (batch, row, end, later) => {
        const x = spread(gpu, batch, vectors, table, part.subarray(row * length, end * length));
        for (const each of states) if (first + row < each.rows) later(each.store(x, first + row));
      });
    });
  }
}

/** Vectors on the GPU, for {@link spread}. */
export function uploadEmbeddings(gpu: Gpu, scope: Scope, { data }: Embeddings): GpuTensor {
  const table = scope.alloc([data.length / 4], 'embeddings');
  gpu.write(table, data);
  return table;
}

/** The embeddings of tokens, (tokens, hidden) f32. */
export function spread(
  gpu: Gpu,
  scope: Scope,
  { dtype, hidden: k, places }: Embeddings,
  table: GpuTensor,
  ids: Int32Array,
): GpuTensor {
  const m = ids.length;
  const y = scope.alloc([m, k], 'embedded tokens');
  const place = scope.upload(
    Uint32Array.from(ids, (id) => places.get(id)!),
    'places',
  );
  gpu.run(embed[dtype], { m, k, source: table, place, y });
  return y;
}

/** The embedding of every id that occurs. Throws InputError for one that the model does not have. */
export async function readEmbeddings(
  source: TensorSource,
  { config, embedding: name }: ModelOutline,
  ids: Int32Array,
): Promise<Embeddings> {
  const { vocabSize, hiddenSize: hidden } = config;
  const wrong = ids.find((id) => id < 0 || id >= vocabSize);
  if (wrong !== undefined) {
    throw new InputError(
      `Token ${wrong} in the rows is outside the model's vocabulary of ${vocabSize}: tokenizer.json or the file of rows belongs to another model.`,
    );
  }
  const { dtype } = source.requireInfo(name);
  assert(dtype === 'F32' || dtype === 'F16' || dtype === 'BF16', `${name} is ${dtype}`);
  const rowBytes = hidden * DTYPES[dtype].bytes;
  const wanted = distinct(ids);
  const data = new Uint8Array(wanted.length * rowBytes);
  const span = Math.max(1, Math.floor(READ_BYTES / rowBytes));
  for (let i = 0; i < wanted.length; ) {
    const first = wanted[i]!;
    let last = i;
    while (last + 1 < wanted.length && wanted[last + 1]! - first < span) last++;
    const piece = await source.readRows(name, first, wanted[last]! + 1);
    for (; i <= last; i++) copyVector(piece.data, wanted[i]! - first, data, i, rowBytes);
  }
  return { dtype, hidden, rowBytes, places: placesOf(wanted), data };
}

/** Those of the vectors that these ids take. */
function chosen(vectors: Embeddings, ids: Int32Array): Embeddings {
  const { rowBytes, places } = vectors;
  const wanted = distinct(ids);
  const data = new Uint8Array(wanted.length * rowBytes);
  for (const [i, id] of wanted.entries()) copyVector(vectors.data, places.get(id)!, data, i, rowBytes);
  return { ...vectors, places: placesOf(wanted), data };
}

const distinct = (ids: Int32Array): Int32Array => Int32Array.from(new Set(ids)).sort();

const placesOf = (ids: Int32Array): ReadonlyMap<number, number> =>
  new Map(Array.from(ids, (id, i) => [id, i]));

function copyVector(from: Uint8Array, i: number, to: Uint8Array, j: number, bytes: number): void {
  to.set(from.subarray(i * bytes, (i + 1) * bytes), j * bytes);
}
