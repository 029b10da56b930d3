import type { Gpu } from '../../gpu/gpu.ts';
import { type Scope, withScope } from '../../gpu/scope.ts';
import type { GpuTensor } from '../../gpu/tensor.ts';
import type { TensorSource } from '../../io/model/tensor-source.ts';
import { addVector } from '../../kernels/elementwise/add_vector.ts';
import { scaleSoftcap } from '../../kernels/elementwise/scale_softcap.ts';
import { embed } from '../../kernels/embed/embed.ts';
import { DTYPES } from '../../tensor/dtype.ts';
import { assert, InputError } from '../../util/errors.ts';
import type { ModelSpec } from '../spec.ts';
import { forEachBatch } from './batches.ts';
import type { HiddenStates } from './states/states.ts';

/** Bytes of the table that are read at a time. */
const READ_BYTES = 16 * 2 ** 20;
/** Share of the free GPU memory that vectors may take. */
const VECTORS_SHARE = 0.25;

/** Embeddings of some tokens on the GPU, as they lie in the file. */
export interface Embeddings {
  readonly dtype: keyof typeof embed;
  /** Elements of a vector. */
  readonly hidden: number;
  /** Number of each token's vector in `table`. */
  readonly places: ReadonlyMap<number, number>;
  readonly table: GpuTensor;
  /** On what the table has. */
  readonly factor: number;
}

/** States to fill with the embeddings of token ids, (rows, length); there may be more rows than states. */
export interface EmbeddedRows {
  readonly ids: Int32Array;
  readonly states: HiddenStates;
}

/**
 * Fills states with token embeddings, and positions where they are learned. The vectors that occur go to the GPU and are spread there: at once, or for as
 * many rows of all states at a time as memory allows.
 */
export async function embedTokens(
  gpu: Gpu,
  source: TensorSource,
  plan: ModelSpec,
  targets: readonly EmbeddedRows[],
): Promise<void> {
  const { length } = targets[0]!.states;
  const rows = Math.max(...targets.map(({ states }) => states.rows));
  const idsOf = (first: number, count: number) =>
    targets.map(({ ids, states }) =>
      ids.subarray(first * length, Math.min(first + count, states.rows) * length),
    );
  const { rowBytes } = storedVectors(source, plan.config, plan.embedding);
  const room = Math.min(gpu.memory.available * VECTORS_SHARE, gpu.memory.largestBuffer);
  const fits = distinct(idsOf(0, rows)).length * rowBytes <= room;
  const step = fits ? rows : Math.max(1, Math.floor(room / (targets.length * length * rowBytes)));
  for (let first = 0; first < rows; first += step) {
    const parts = idsOf(first, step);
    await withScope(gpu, async (scope) => {
      const vectors = await loadEmbeddings(gpu, scope, source, plan, ...parts);
      const positions = await loadPositions(gpu, scope, source, plan, 0, length);
      for (const [i, { states }] of targets.entries()) {
        await forEachBatch(gpu, parts[i]!.length / length, 1, (batch, row, end, defer) => {
          const own = parts[i]!.subarray(row * length, end * length);
          const x = spread(gpu, batch, vectors, own, positions);
          defer(states.store(x, first + row));
        });
      }
    });
  }
}

/** The embeddings of tokens, (tokens, hidden) f32. @param positions are added, of the same shape. */
export function spread(
  gpu: Gpu,
  scope: Scope,
  { dtype, hidden: k, places, table, factor }: Embeddings,
  ids: Int32Array,
  positions?: GpuTensor,
): GpuTensor {
  const m = ids.length;
  const y = scope.alloc([m, k], 'embedded tokens');
  const place = scope.upload(
    Uint32Array.from(ids, (id) => places.get(id)!),
    'places',
  );
  gpu.run(embed[dtype], { m, k, source: table, place, y });
  if (factor !== 1) gpu.run(scaleSoftcap, { count: m * k, scale: factor, softcap: 0, x: y });
  if (positions) gpu.run(addVector, { count: m * k, x: positions, y });
  return y;
}

/**
 * The vectors of learned positions from `first` on, (count, hidden) f32; undefined: the model has none.
 * @throws InputError when it has learned fewer.
 */
export async function loadPositions(
  gpu: Gpu,
  scope: Scope,
  source: TensorSource,
  { config, positions }: ModelSpec,
  first: number,
  count: number,
): Promise<GpuTensor | undefined> {
  if (positions === undefined) return undefined;
  if (first + count > config.maxPositions) {
    throw new InputError(
      `Texts of ${first + count} tokens are longer than the model's context: it has learned ${config.maxPositions} ` +
        'positions. Ask for shorter rows (--length), or for less text.',
    );
  }
  const { dtype } = storedVectors(source, config, positions);
  const { data } = await source.readRows(positions, first, first + count);
  const table = scope.alloc([data.length / 4], 'positions as stored');
  gpu.write(table, data);
  const ids = Int32Array.from({ length: count }, (_, i) => i);
  const vectors = { dtype, hidden: config.hiddenSize, table, places: placesOf(ids), factor: 1 };
  return spread(gpu, scope, vectors, ids);
}

/** The embedding of every id that occurs. Throws InputError for one that the model does not have. */
export async function loadEmbeddings(
  gpu: Gpu,
  scope: Scope,
  source: TensorSource,
  plan: ModelSpec,
  ...ids: readonly Int32Array[]
): Promise<Embeddings> {
  const { vocabSize, hiddenSize: hidden } = plan.config;
  const wrong = ids.flatMap((part) => part.find((id) => id < 0 || id >= vocabSize) ?? [])[0];
  if (wrong !== undefined) {
    throw new InputError(
      `Token ${wrong} in the rows is outside the model's vocabulary of ${vocabSize}: tokenizer.json or the file of rows belongs to another model.`,
    );
  }
  const { dtype, rowBytes } = storedVectors(source, plan.config, plan.embedding);
  const wanted = distinct(ids);
  const table = scope.alloc([(wanted.length * rowBytes) / 4], 'embeddings');
  const span = Math.max(1, Math.floor(READ_BYTES / rowBytes));
  // New memory is slower than reading.
  const most = Math.min(span, wanted.at(-1)! + 1 - wanted[0]!) * rowBytes;
  const [read, packed] = [new Uint8Array(most), new Uint8Array(most)];
  for (let i = 0; i < wanted.length; ) {
    const [start, first] = [i, wanted[i]!];
    while (i < wanted.length && wanted[i]! - first < span) i++;
    const end = wanted[i - 1]! + 1;
    const target = read.subarray(0, (end - first) * rowBytes);
    const { data } = await source.readRows(plan.embedding, first, end, target);
    const isWhole = end - first === i - start;
    if (!isWhole) pack(wanted.subarray(start, i), data, packed, rowBytes);
    const found = isWhole ? data : packed.subarray(0, (i - start) * rowBytes);
    await gpu.upload(table, start * rowBytes, found);
  }
  return { dtype, hidden, table, places: placesOf(wanted), factor: plan.embeddingFactor };
}

function storedVectors(
  source: TensorSource,
  { hiddenSize }: ModelSpec['config'],
  name: string,
): Pick<Embeddings, 'dtype'> & { rowBytes: number } {
  const { dtype } = source.requireInfo(name);
  assert(dtype === 'F32' || dtype === 'F16' || dtype === 'BF16', `${name} is ${dtype}`);
  return { dtype, rowBytes: hiddenSize * DTYPES[dtype].bytes };
}

/** Copies the vectors of these ids, which `data` has from the first of them on, one after the other. */
function pack(wanted: Int32Array, data: Uint8Array, packed: Uint8Array, bytes: number): void {
  for (const [i, id] of wanted.entries()) {
    const at = (id - wanted[0]!) * bytes;
    packed.set(data.subarray(at, at + bytes), i * bytes);
  }
}

function distinct(ids: readonly Int32Array[]): Int32Array {
  const found = new Set<number>();
  for (const part of ids) for (const id of part) found.add(id);
  return Int32Array.from(found).sort();
}

const placesOf = (ids: Int32Array): ReadonlyMap<number, number> =>
  new Map(Array.from(ids, (id, i) => [id, i]));
