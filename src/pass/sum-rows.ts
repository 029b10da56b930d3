import type { Gpu } from '../gpu/gpu.ts';
import type { Scope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import type { StageContext } from '../job/context.ts';
import { checkControl } from '../job/control.ts';
import { runModule, type Tap, withoutOutput } from '../model/forward.ts';
import { forEachBatch, type Later } from '../model/gpu/batches.ts';
import { GpuOps, normalize } from '../model/gpu/ops.ts';
import type { HiddenStates } from '../model/gpu/states.ts';
import type { NormWeight } from '../model/gpu/weights.ts';
import type { InputKey, LinearSpec } from '../model/spec.ts';
import { addToHessian, type LoadedModule } from './capture.ts';
import type { HessianSums } from './hessian-sums.ts';
import type { RowPart, RowRange } from './row-parts.ts';

/** What makes linear inputs of hidden states: a module, or the norm before the head. */
export interface InputSource {
  readonly mixed: boolean;
  /** @returns what comes out, where that is wanted of a module; else nothing of use. */
  run(scope: Scope, x: GpuTensor, tap: Tap<GpuTensor>, wanted: boolean): GpuTensor;
}

export const moduleInputs = (loaded: LoadedModule): InputSource => ({
  mixed: loaded.forward.mixed,
  run(scope, x, tap, wanted) {
    const ops = new GpuOps(loaded.forward, scope, loaded);
    return runModule(wanted ? ops : withoutOutput(ops), loaded.module, x, tap);
  },
});

/** @param mixed whether its sums may be rounded. */
export const headInputs = (gpu: Gpu, head: LinearSpec, norm: NormWeight, mixed: boolean): InputSource => ({
  mixed,
  run(scope, x, tap) {
    const normed = normalize(gpu, scope, x, norm, norm.w);
    tap(head.input, normed);
    return normed;
  },
});

/** Sees batches of the first rows: what linears read, and what comes out, (tokens, hidden), of rows start …. */
export interface RowsSeen {
  /** As many rows are shown. */
  readonly rows: number;
  readonly input: (name: InputKey, x: GpuTensor, start: number) => void;
  readonly output: (y: GpuTensor, start: number, later: Later) => void;
}

/** Runs some rows. @param sums takes their xᵀx, if given. */
export async function runRows(
  context: StageContext,
  source: InputSource,
  states: HiddenStates,
  range: RowRange,
  batch: number,
  sums?: HessianSums,
  seen?: RowsSeen,
): Promise<void> {
  await forEachBatch(context.gpu, range.end - range.start, batch, async (scope, first, end, later) => {
    await checkControl(context.control);
    const start = range.start + first;
    const x = states.load(scope, start, range.start + end);
    const shown = seen && start < seen.rows ? seen : undefined;
    const tap: Tap<GpuTensor> = (name, input) => {
      if (sums) addToHessian(context, sums.squares.get(name)!, input, source.mixed);
      shown?.input(name, input, start);
    };
    const y = source.run(scope, x, tap, shown !== undefined);
    shown?.output(y, start, later);
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
  seen?: RowsSeen,
): Promise<void> {
  for (const part of parts) {
    sums.startPart();
    await runRows(context, source, states, part, batch, sums, seen);
    sums.endPart(part.half);
  }
}
