import type { CountWork, KernelWork } from '../../gpu/profiler.ts';
import type { GpuTensor } from '../../gpu/tensor.ts';

const FLOAT = 4;
/** Side of the blocks of the factorization. */
const BLOCK = 32;
/** Of a job in the table of groups and blocks. */
const JOB_WORDS = 6;

type Count = (of: (scalar: string) => number, tensor: (name: string) => GpuTensor) => KernelWork;

const product: Count = (of) => {
  const [m, n, k] = [of('m'), of('n'), of('k')];
  return {
    flops: 2 * m * n * k,
    bytes: FLOAT * (m * k + k * n + m * n * (1 + of('accumulate'))),
  };
};

const packedProduct: Count = (of, tensor) => {
  const [m, n, k] = [of('m'), of('n'), of('k')];
  const packed = tensor('packed').size + tensor('scales').size;
  return { flops: 2 * m * n * k, bytes: packed + FLOAT * (m * k + m * n * (1 + of('accumulate'))) };
};

/** Of these rows only the lower triangle is wanted, and read and written. */
const gram: Count = (of) => {
  const [m, k, elements] = [of('m'), of('k'), of('rows') * (2 * of('start') + of('rows'))];
  return { flops: m * elements, bytes: FLOAT * (m * k + elements) };
};

/** Pairs of a query and a key that it sees; a sliding window is not taken into account. */
const attention: Count = (of) => {
  const [length, heads, kvHeads, d] = [of('length'), of('heads'), of('kvHeads'), of('d')];
  const [past, rows] = [of('past'), of('rows')];
  const pairs = length * past + (length * (length + 1)) / 2;
  return {
    flops: 4 * rows * heads * pairs * d,
    bytes: 2 * FLOAT * rows * d * (length * heads + (past + length) * kvHeads),
  };
};

/** Elements below the diagonal of these rows that come after the 32 columns. */
const choleskyUpdate: Count = (of) => {
  const after = of('start') + BLOCK;
  const [from, to] = [Math.max(0, of('first') - after), of('first') + of('rows') - after];
  const elements = to * to - from * from;
  return { flops: BLOCK * elements, bytes: FLOAT * (elements + to * BLOCK) };
};

/**
 * For each pair of blocks, rows of the lower one times the part of a triangle of blocks of 32 that lies in the right
 * factor's panel; the second half sums only up to its row. Every element of these rows and of the factors is read, or
 * written, once.
 */
const triangularInverse =
  (half: 1 | 2): Count =>
  (of) => {
    const [side, start, end] = [of('side'), of('start'), of('end')];
    let [products, elements] = [0, 0];
    for (let pair = 0; pair < of('pairs'); pair++) {
      const aStart = of('aStart') + pair * 2 * side;
      const cStart = aStart + side;
      const rows = Math.max(0, Math.min(start + of('rows'), side, end - cStart) - start);
      const summedFrom = half === 1 ? aStart : cStart;
      const within = (index: number) => Math.min(side, Math.max(0, index - summedFrom));
      const [from, to] = [within(of('rightFirst')), within(of('rightEnd'))];
      const triangle = (size: number) => (size * (size + BLOCK)) / 2;
      const upTo = (row: number) => triangle(Math.min(row, to)) - triangle(Math.min(row, from));
      const beyond = (row: number) => Math.max(0, row - to) * (to - from);
      const below = (row: number) => upTo(row) + beyond(row);
      const factor = half === 1 ? triangle(to) - triangle(from) : below(start + rows) - below(start);
      products += half === 1 ? rows * factor : factor * side;
      elements += rows === 0 ? 0 : 2 * rows * side + (half === 1 ? factor : (to - from) * side);
    }
    return { flops: 2 * products, bytes: FLOAT * elements };
  };

const descentSweep: Count = (of) => {
  const [n, rows] = [of('n'), of('end') - of('start')];
  // Gradient and change of the weight are read and written, codes are bytes.
  return { flops: rows * rows * n, bytes: rows * n * (4 * FLOAT + 2) };
};

/** Rows that take in the errors of all rows before them in one product. */
const BLOCK_ROWS = 256;

/** Rows of a group, and of those of one step, as an average over the steps: the jobs' table is on the GPU. */
function groupStep(of: (scalar: string) => number, tensor: (name: string) => GpuTensor) {
  const groupRows = (of('k') * tensor('current').shape[0]!) / tensor('scaleMax').shape[0]!;
  return { groupRows, rows: groupRows * of('jobCount') };
}

/** Where the blocks start follows from how far the table has been worked off. */
const blockUpdate: Count = (of, tensor) => {
  const [k, n, count] = [of('k'), of('n'), of('jobCount')];
  const start = (of('job') / (tensor('jobs').shape[0]! / JOB_WORDS)) * k;
  const rows = count * Math.min(k, BLOCK_ROWS);
  return { flops: 2 * rows * start * n, bytes: FLOAT * n * (count * start + 2 * rows) };
};

/** A group takes in what lies before it in its block: half a block on average, less half of itself. */
const groupUpdate: Count = (of, tensor) => {
  const { rows, groupRows } = groupStep(of, tensor);
  const before = Math.max(0, (Math.min(of('k'), BLOCK_ROWS) - groupRows) / 2);
  const n = of('n');
  return { flops: 2 * rows * before * n, bytes: FLOAT * n * (of('jobCount') * before + 2 * rows) };
};

const groupSweep: Count = (of, tensor) => {
  const { rows, groupRows } = groupStep(of, tensor);
  const n = of('n');
  return { flops: rows * groupRows * n, bytes: rows * n * (2 * FLOAT + 1) };
};

const COUNTS: Readonly<Record<string, Count>> = {
  gemm: product,
  gemm_large: product,
  gemm_tiled: product,
  gemm_subgroup_matrix: product,
  gemm_wide: product,
  gemv: product,
  packed_gemm: packedProduct,
  packed_gemv: packedProduct,
  gram,
  gram_tiled: gram,
  gram_subgroup_matrix: gram,
  attention,
  'attention_tiled 64': attention,
  'attention_tiled 128': attention,
  'attention_tiled 256': attention,
  cholesky_update: choleskyUpdate,
  'triangular_inverse first': triangularInverse(1),
  'triangular_inverse second': triangularInverse(2),
  'triangular_inverse_tiled first': triangularInverse(1),
  'triangular_inverse_tiled second': triangularInverse(2),
  descent_sweep: descentSweep,
  descent_sweep_tiled: descentSweep,
  block_update: blockUpdate,
  block_update_large: blockUpdate,
  block_update_tiled: blockUpdate,
  group_update: groupUpdate,
  group_update_large: groupUpdate,
  group_sweep: groupSweep,
  group_sweep_large: groupSweep,
};

/** Kernels that see each element of their tensors once, and those that write into what they have read. */
const STREAMING = new Set(
  ['compare', 'dequantize', 'gather_columns', 'layer_norm', 'pack_codes'].concat(
    ['residual', 'rms_norm', 'sum_squares', 'token_errors', 'unpack_codes'],
    ['from_f32', 'from_f16', 'from_bf16'].map((dtype) => `load_weight ${dtype}`),
  ),
);
const IN_PLACE = new Set(['activation', 'add_bias', 'clip', 'gated_activation', 'rope', 'scale_softcap']);

/** Operations and bytes that a dispatch needs at least, each element of a tensor counted once. */
export const kernelWork: CountWork = ({ name, inputs, outputs }, args) => {
  const tensor = (key: string) => args[key] as GpuTensor;
  const count = COUNTS[name];
  if (count) return count((key) => args[key] as number, tensor);
  const bytes = (of: object) => Object.keys(of).reduce((sum, key) => sum + tensor(key).size, 0);
  if (STREAMING.has(name)) return { bytes: bytes(inputs) + bytes(outputs) };
  return IN_PLACE.has(name) ? { bytes: bytes(inputs) + 2 * bytes(outputs) } : {};
};
