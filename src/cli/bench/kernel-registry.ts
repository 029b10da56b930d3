import type { Group } from '../../exl2/params.ts';
import { rowTable } from '../../gptq/gpu-linear.ts';
import type { KernelArguments } from '../../gpu/gpu.ts';
import type { Kernel } from '../../gpu/kernel.ts';
import { attention } from '../../kernels/attention/attention.ts';
import { attentionTiled } from '../../kernels/attention/attention_tiled.ts';
import { choleskyUpdate } from '../../kernels/cholesky/cholesky_update.ts';
import { descentSweep } from '../../kernels/descent/descent_sweep.ts';
import { descentSweepTiled } from '../../kernels/descent/descent_sweep_tiled.ts';
import { gatedActivation } from '../../kernels/elementwise/gated_activation.ts';
import { gemm } from '../../kernels/gemm/gemm.ts';
import { gemmLarge } from '../../kernels/gemm/gemm_large.ts';
import { gemmTiled } from '../../kernels/gemm/gemm_tiled.ts';
import { gemmWide } from '../../kernels/gemm/gemm_wide.ts';
import { gemv } from '../../kernels/gemm/gemv.ts';
import { blockUpdate, blockUpdateLarge } from '../../kernels/gptq/block_update.ts';
import { blockUpdateTiled } from '../../kernels/gptq/block_update_tiled.ts';
import { groupSweep, groupSweepLarge } from '../../kernels/gptq/group_sweep.ts';
import { groupUpdate, groupUpdateLarge } from '../../kernels/gptq/group_update.ts';
import { gram } from '../../kernels/gram/gram.ts';
import { gramTiled } from '../../kernels/gram/gram_tiled.ts';
import { loadWeight } from '../../kernels/load_weight/load_weight.ts';
import { dequantize } from '../../kernels/pack/dequantize.ts';
import { packedGemm } from '../../kernels/packed_gemm/packed_gemm.ts';
import { packedGemv } from '../../kernels/packed_gemm/packed_gemv.ts';
import { rmsNorm } from '../../kernels/rms_norm/rms_norm.ts';
import { columnCode } from '../../kernels/scale/column_code.ts';
import { columnScale } from '../../kernels/scale/column_scale.ts';
import { scaleError } from '../../kernels/scale/scale_error.ts';
import { scaleSearch } from '../../kernels/scale/scale_search.ts';
import { scaleSearchLarge } from '../../kernels/scale/scale_search_large.ts';
import { triangularInverse } from '../../kernels/triangular_inverse/triangular_inverse.ts';
import { triangularInverseTiled } from '../../kernels/triangular_inverse/triangular_inverse_tiled.ts';
import type { KernelInputs } from './kernel-inputs.ts';

/** One dispatch, ready to run. */
export interface Dispatch {
  readonly kernel: Kernel;
  readonly args: KernelArguments<string, string, string>;
}

const CANDIDATES = 8;
const GROUP_ROWS = 128;
const BLOCK_ROWS = 256;
const BITS = 4;
const HEAD_DIM = 128;
const ROWS = 4;

/** What can be asked for with `--kernel`, each as it is used on a large layer. */
export const KERNELS: Readonly<Record<string, (inputs: KernelInputs) => Dispatch>> = {
  gemm: (inputs) => product(gemm, inputs, inputs.sizes.tokens),
  gemm_large: (inputs) => product(gemmLarge, inputs, inputs.sizes.tokens),
  gemm_tiled: (inputs) => product(gemmTiled, inputs, inputs.sizes.tokens),
  gemm_wide: (inputs) => product(gemmWide, inputs, inputs.sizes.tokens),
  gemv: (inputs) => product(gemv, inputs, 1),
  gram: (inputs) => outer(gram, inputs),
  gram_tiled: (inputs) => outer(gramTiled, inputs),
  attention: (inputs) => attend(attention, inputs),
  attention_tiled: (inputs) => attend(attentionTiled[HEAD_DIM], inputs),
  rms_norm: (inputs) => {
    const [rows, k] = [ROWS * inputs.sizes.tokens, inputs.sizes.hidden];
    const [x, weight, y] = [inputs.random(rows, k), inputs.random(k), inputs.empty(rows, k)];
    return dispatch(rmsNorm, { rows, k, heads: 1, epsilon: 1e-5, x, weight, y });
  },
  gated_activation: (inputs) => {
    const { tokens, mlp } = inputs.sizes;
    const [up, gate] = [inputs.random(tokens, mlp), inputs.random(tokens, mlp)];
    return dispatch(gatedActivation, { count: tokens * mlp, activation: 0, up, gate });
  },
  load_weight: (inputs) => {
    const { hidden: k, mlp: n } = inputs.sizes;
    const args = { k, n, nPadded: n, source: inputs.random(n, k / 2), w: inputs.empty(k, n) };
    return dispatch(loadWeight.F16, args);
  },
  cholesky_update: (inputs) => {
    const k = inputs.sizes.mlp;
    const [a, pivot] = [inputs.random(k, k), inputs.random(k, 32)];
    return dispatch(choleskyUpdate, { start: 0, first: 0, rows: k, a, pivot });
  },
  triangular_inverse: (inputs) => inverseStep(triangularInverse.first, inputs),
  triangular_inverse_tiled: (inputs) => inverseStep(triangularInverseTiled.first, inputs),
  block_update: (inputs) => dispatch(blockUpdate, blockStep(inputs)),
  block_update_large: (inputs) => dispatch(blockUpdateLarge, blockStep(inputs)),
  block_update_tiled: (inputs) => dispatch(blockUpdateTiled, blockStep(inputs)),
  group_update: (inputs) => dispatch(groupUpdate, groupStep(inputs)),
  group_update_large: (inputs) => dispatch(groupUpdateLarge, groupStep(inputs)),
  column_scale: (inputs) => dispatch(columnScale, groupStep(inputs)),
  scale_error: (inputs) => dispatch(scaleError, groupStep(inputs)),
  scale_search: (inputs) => dispatch(scaleSearch, groupStep(inputs)),
  scale_search_large: (inputs) => dispatch(scaleSearchLarge, groupStep(inputs)),
  column_code: (inputs) => dispatch(columnCode, groupStep(inputs)),
  group_sweep: (inputs) => dispatch(groupSweep, groupStep(inputs)),
  group_sweep_large: (inputs) => dispatch(groupSweepLarge, groupStep(inputs)),
  descent_sweep: (inputs) => descentStep(descentSweep, inputs),
  descent_sweep_tiled: (inputs) => descentStep(descentSweepTiled, inputs),
  dequantize: (inputs) => {
    const { k, n, ...linear } = quantizedLinear(inputs);
    const perm = inputs.words(Array.from({ length: k }, (_, i) => i).reverse());
    return dispatch(dequantize, { k, n, perm, w: inputs.empty(k, n), ...linear });
  },
  packed_gemm: (inputs) => dispatch(packedGemm, packedProduct(inputs, inputs.sizes.tokens)),
  packed_gemv: (inputs) => dispatch(packedGemv, packedProduct(inputs, 1)),
};

/** The types have done their work: a dispatch is run without knowing its kernel. */
const dispatch = <S extends string, I extends string, O extends string>(
  kernel: Kernel<S, I, O>,
  args: KernelArguments<S, I, O>,
): Dispatch => ({ kernel: kernel as Kernel, args: args as Dispatch['args'] });

function product(kernel: typeof gemm, inputs: KernelInputs, m: number): Dispatch {
  const { hidden: k, mlp: n } = inputs.sizes;
  const [a, b, c] = [inputs.random(m, k), inputs.random(k, n), inputs.empty(m, n)];
  return dispatch(kernel, { m, n, k, accumulate: 0, a, b, c });
}

function outer(kernel: typeof gram, inputs: KernelInputs): Dispatch {
  const { tokens: m, mlp: k } = inputs.sizes;
  return dispatch(kernel, { m, k, start: 0, rows: k, x: inputs.random(m, k), h: inputs.random(k, k) });
}

function attend(kernel: typeof attention, inputs: KernelInputs): Dispatch {
  const { tokens: length, heads, kvHeads } = inputs.sizes;
  const shape = { length, heads, kvHeads, d: HEAD_DIM, window: length, softcap: 0, past: 0, rows: ROWS };
  const [q, o] = [0, 1].map(() => inputs.random(ROWS * length, heads * HEAD_DIM));
  const [k, v] = [0, 1].map(() => inputs.random(ROWS * length, kvHeads * HEAD_DIM));
  return dispatch(kernel, { ...shape, scale: HEAD_DIM ** -0.5, q: q!, k: k!, v: v!, o: o! });
}

/** The last step, which takes a third of the time or more. */
function inverseStep(kernel: typeof triangularInverse.first, inputs: KernelInputs): Dispatch {
  const k = inputs.sizes.mlp;
  let side = 32;
  while (side * 2 < k) side *= 2;
  const rows = k - side;
  const scalars = { side, aStart: 0, pairs: 1, start: 0, rows, first: 0, end: k, rightFirst: 0, rightEnd: k };
  const [left, right, product] = [inputs.random(k, k), inputs.random(k, k), inputs.empty(k, side)];
  return dispatch(kernel, { ...scalars, left, right, product });
}

function descentStep(kernel: typeof descentSweep, inputs: KernelInputs): Dispatch {
  const { k, n, groupRows, ...linear } = quantizedLinear(inputs);
  const start = Math.floor(k / groupRows / 2) * groupRows;
  const [h, gradient] = [inputs.random(groupRows, k), inputs.random(groupRows, n)];
  const d = inputs.random(k, n);
  return dispatch(kernel, { k, n, start, end: start + groupRows, h, gradient, d, ...linear });
}

/** The groups of a weight (hidden, mlp), all alike. */
function groupsOf({ sizes }: KernelInputs) {
  const { hidden: k, mlp: n } = sizes;
  const groupRows = Math.min(GROUP_ROWS, k / 4);
  const groups = Array.from(
    { length: k / groupRows },
    (_, i): Group => ({
      ...{ bits: BITS, start: i * groupRows, end: (i + 1) * groupRows },
    }),
  );
  return { k, n, groupRows, groups };
}

/** The group in the middle of a weight (hidden, mlp), for all candidates together. */
function groupStep(inputs: KernelInputs) {
  const { k, n, groups } = groupsOf(inputs);
  const all = CANDIDATES * groups.length;
  const jobs = groups.flatMap(({ bits, start, end }, step) =>
    Array.from({ length: CANDIDATES }, (_, i) => {
      const first = start - (start % BLOCK_ROWS);
      return [i, start, end, bits, first, i * groups.length + step];
    }),
  );
  const tiles = n / 32;
  return {
    ...{ k, n, tiles, firstTile: 0, jobCount: CANDIDATES },
    job: Math.floor(groups.length / 2) * CANDIDATES,
    jobs: inputs.words(jobs.flat()),
    u: inputs.random(CANDIDATES, k, BLOCK_ROWS),
    e: inputs.random(CANDIDATES, k, n),
    pending: inputs.random(CANDIDATES, BLOCK_ROWS, n),
    current: inputs.random(CANDIDATES, GROUP_ROWS, n),
    base: inputs.random(CANDIDATES, n),
    unit: inputs.random(all),
    partial: inputs.empty(CANDIDATES, tiles, 97),
    scaleMax: inputs.words(new Array<number>(all).fill(0x3000)), // 0.125
    scaleCodes: inputs.words(new Array<number>(all * n).fill(12)),
    codes: inputs.empty(CANDIDATES, k / 4, n),
  };
}

/** The block in the middle of every candidate. */
function blockStep(inputs: KernelInputs) {
  const { k, n } = groupsOf(inputs);
  const start = Math.floor(k / 2 / BLOCK_ROWS) * BLOCK_ROWS;
  const end = Math.min(k, start + BLOCK_ROWS);
  const jobs = Array.from({ length: CANDIDATES }, (_, i) => [i, start, end, 0, 0, 0]);
  return {
    ...{ k, n, job: 0, jobCount: CANDIDATES },
    jobs: inputs.words(jobs.flat()),
    perm: inputs.words(Array.from({ length: k }, (_, i) => i).reverse()),
    w: inputs.random(k, n),
    u: inputs.random(CANDIDATES, k, BLOCK_ROWS),
    e: inputs.random(CANDIDATES, k, n),
    pending: inputs.empty(CANDIDATES, BLOCK_ROWS, n),
  };
}

function quantizedLinear(inputs: KernelInputs) {
  const { k, n, groupRows, groups } = groupsOf(inputs);
  return {
    ...{ k, n, groupRows },
    codes: inputs.random(k / 4, n),
    scaleCodes: inputs.words(new Array<number>(groups.length * n).fill(12)),
    scaleMax: inputs.words(new Array<number>(groups.length).fill(0x3000)),
    rows: inputs.words(rowTable(k, groups, 0)),
  };
}

function packedProduct(inputs: KernelInputs, m: number) {
  const { k, n, groupRows, groups } = groupsOf(inputs);
  const unit = 0x3b000000; // 2⁻⁹
  const chunks = Array.from({ length: k / 32 }, (_, i) => [
    ...[i * BITS, BITS, Math.floor((i * 32) / groupRows), unit],
  ]);
  return {
    ...{ m, n, k, accumulate: 0 },
    x: inputs.random(m, k),
    perm: inputs.words(Array.from({ length: k }, (_, i) => i).reverse()),
    chunks: inputs.words(chunks.flat()),
    scales: inputs.random(groups.length, n / 8),
    packed: inputs.random((k / 32) * BITS, n),
    y: inputs.empty(m, n),
  };
}
