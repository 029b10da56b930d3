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
import type { InputKey } from '../../model/spec.ts';
import { mayBeGivenUp } from '../../util/given-up.ts';

/**
 * Summarizes sums of xᵀx as they stand when this is called: the GPU does it in its turn, and nothing waits for the reading.
 * @param tokens in each sum.
 */
export const summarizeHessians = (
  gpu: Gpu,
  sums: ReadonlyMap<InputKey, Triangle>,
  tokens: ReadonlyMap<InputKey, number>,
): Promise<HessianSummaries> =>
  mayBeGivenUp(
    Promise.all(
      [...sums].map(
        async ([input, sum]) => [input, await summarize(gpu, sum, tokens.get(input) ?? 0)] as const,
      ),
    ).then((all) => new Map(all)),
  );

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
export function writeSummaries(work: WorkDirectory, key: string, summaries: HessianSummaries): Promise<void> {
  const { tensors, metadata } = summaryTensors(summaries);
  return work.writeTensors(ARTEFACT.hessians(key), tensors, metadata);
}
