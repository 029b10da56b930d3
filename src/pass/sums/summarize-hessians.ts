import type { Gpu } from '../../gpu/gpu.ts';
import type { Triangle } from '../../gpu/matrix/triangle.ts';
import { withScope } from '../../gpu/scope.ts';
import type { WorkDirectory } from '../../io/work/work-directory.ts';
import { ARTEFACT } from '../../job/artefacts.ts';
import { blockSums } from '../../kernels/hessian/block_sums.ts';
import { diagonal } from '../../kernels/hessian/diagonal.ts';
import {
  blockEdge,
  type HessianSummaries,
  type HessianSummary,
  summarySide,
  summaryTensors,
} from '../../measurement/hessian-summary.ts';
import type { InputKey, ModuleSpec } from '../../model/spec.ts';
import { mayBeGivenUp } from '../../util/given-up.ts';

/** Of experts the layer's first stands for all: their Hessians are many. */
function summarizedInputs({ mixer, linears }: Pick<ModuleSpec, 'mixer' | 'linears'>): ReadonlySet<InputKey> {
  if (mixer.kind !== 'experts') return new Set(linears.map(({ input }) => input));
  const first = mixer.first === 0 ? mixer.experts[0]! : undefined;
  return new Set(first ? [first.up.input, first.down.input] : []);
}

/**
 * Summarizes a module's sums of xᵀx as they stand when this is called: the GPU does it in its turn, and nothing waits for the reading.
 * @param tokens in each sum.
 */
export function summarizeHessians(
  gpu: Gpu,
  module: Pick<ModuleSpec, 'mixer' | 'linears'>,
  sums: ReadonlyMap<InputKey, Triangle>,
  tokens: ReadonlyMap<InputKey, number>,
): Promise<HessianSummaries> {
  const wanted = [...summarizedInputs(module)];
  const summaries = wanted.map(
    async (input) => [input, await summarize(gpu, sums.get(input)!, tokens.get(input) ?? 0)] as const,
  );
  return mayBeGivenUp(Promise.all(summaries).then((all) => new Map(all)));
}

function summarize(gpu: Gpu, { k, panels }: Triangle, tokens: number): Promise<HessianSummary> {
  return withScope(gpu, async (scope) => {
    const side = summarySide(k);
    const d = scope.alloc([k], 'diagonal of a Hessian');
    const p = scope.alloc([side, side], 'blocks of a Hessian');
    gpu.zero(p);
    for (const { start, end, tensor: h } of panels) {
      gpu.run(diagonal, { start, rows: end - start, h, d });
      gpu.run(blockSums, { start, rows: end - start, k, side, h, p });
    }
    const [own, sums] = await Promise.all([gpu.read(d), gpu.read(p)]);
    return { diagonal: new Float32Array(own), blocks: meansOf(new Float32Array(sums), k), tokens };
  });
}

/** Means of the blocks whose sums are given on and below the diagonal. */
function meansOf(sums: Float32Array, k: number): Float32Array {
  const side = summarySide(k);
  const sizeOf = (block: number) => blockEdge(k, block + 1) - blockEdge(k, block);
  return Float32Array.from(sums, (_, at) => {
    const [a, b] = [Math.floor(at / side), at % side];
    return sums[Math.max(a, b) * side + Math.min(a, b)]! / (sizeOf(a) * sizeOf(b));
  });
}

/** Keeps a module's summaries beside its other artefacts. */
export async function writeSummaries(
  work: WorkDirectory,
  key: string,
  summaries: HessianSummaries,
): Promise<void> {
  if (summaries.size === 0) return;
  const { tensors, metadata } = summaryTensors(summaries);
  await work.writeTensors(ARTEFACT.hessians(key), tensors, metadata);
}
