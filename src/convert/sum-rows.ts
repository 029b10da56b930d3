import type { Scope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { forEachBatch, type Later } from '../model/batches.ts';
import { type BlockInputs, type ForwardContext, normalize, runInputs } from '../model/forward.ts';
import type { HiddenStates } from '../model/states.ts';
import { addToHessian, type LoadedModule } from './capture.ts';
import type { StageContext } from './context.ts';
import { checkControl } from './control.ts';
import type { HessianSums } from './hessian-sums.ts';
import type { RowPart, RowRange } from './row-parts.ts';

/** What makes linear inputs of hidden states: a module, or the norm before the head. */
export interface InputSource {
  readonly mixed: boolean;
  run(scope: Scope, x: GpuTensor): BlockInputs;
}

export const moduleInputs = ({ forward, module, norms, linears }: LoadedModule): InputSource => ({
  mixed: forward.mixed,
  run: (scope, x) => runInputs(forward, scope, module, norms, linears, x),
});

/** The head's input counts as a norm's output too. @param mixed whether its sums may be rounded. */
export const headInputs = (forward: ForwardContext, norm: GpuTensor, mixed: boolean): InputSource => ({
  mixed,
  run: (scope, x) => new Map([['postNorm', normalize(forward, scope, x, norm)]]),
});

/** A batch of rows that has been run: `x` (tokens, hidden) of rows start …, and the inputs that came of it. */
export interface BatchInputs {
  readonly scope: Scope;
  readonly x: GpuTensor;
  readonly inputs: BlockInputs;
  readonly start: number;
  /** As the source that ran them. */
  readonly mixed: boolean;
  readonly later: Later;
}

/** Runs some rows. @param sums takes their xᵀx, if given. */
export async function runRows(
  context: StageContext,
  source: InputSource,
  states: HiddenStates,
  range: RowRange,
  batch: number,
  sums?: HessianSums,
  seen?: (batch: BatchInputs) => void,
): Promise<void> {
  await forEachBatch(context.gpu, range.end - range.start, batch, async (scope, first, end, later) => {
    await checkControl(context.control);
    const start = range.start + first;
    const x = states.load(scope, start, range.start + end);
    const inputs = source.run(scope, x);
    for (const [name, h] of sums?.squares ?? []) addToHessian(context, h, inputs.get(name)!, source.mixed);
    seen?.({ scope, x, inputs, start, mixed: source.mixed, later });
  });
}

/** Sums xᵀx over each part of the rows. */
export async function sumParts(
  context: StageContext,
  source: InputSource,
  states: HiddenStates,
  parts: readonly RowPart[],
  batch: number,
  sums: HessianSums,
  seen?: (batch: BatchInputs) => void,
): Promise<void> {
  for (const part of parts) {
    sums.startPart();
    await runRows(context, source, states, part, batch, sums, seen);
    sums.endPart(part.half);
  }
}
