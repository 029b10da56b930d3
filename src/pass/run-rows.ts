import type { Gpu } from '../gpu/gpu.ts';
import { rowsOf } from '../gpu/parts.ts';
import type { Scope } from '../gpu/scope.ts';
import { type GpuTensor, OFFSET_ALIGNMENT } from '../gpu/tensor.ts';
import type { StageContext } from '../job/context.ts';
import { checkControl } from '../job/control.ts';
import { type ModuleInput, runModule, type Tap } from '../model/forward.ts';
import { type Defer, forEachBatch } from '../model/gpu/batches.ts';
import { areFinite } from '../model/gpu/finite-states.ts';
import { GpuOps, normalize } from '../model/gpu/ops.ts';
import { routeTokens } from '../model/gpu/routing.ts';
import type { HiddenStates } from '../model/gpu/states/states.ts';
import type { NormWeight } from '../model/gpu/weights.ts';
import type { InputKey, LinearSpec } from '../model/spec.ts';
import type { LoadedModule } from './loaded-module.ts';
import type { RowRange } from './sums/row-parts.ts';

/** What rows run through: a module, or the norm before the head. */
export interface RowsSource {
  /** Whether products may round to half precision. */
  readonly mixed: boolean;
  /** @returns what comes out, where that is wanted of a module; else nothing of use. */
  run(
    scope: Scope,
    input: ModuleInput<GpuTensor>,
    tap: Tap<GpuTensor>,
    wanted: boolean,
  ): GpuTensor | Promise<GpuTensor>;
}

export const moduleSource = (loaded: LoadedModule): RowsSource => ({
  mixed: loaded.forward.mixed,
  async run(scope, input, tap, wanted) {
    const { forward, module } = loaded;
    const routing = await routeTokens(forward, scope, loaded, module, input.x);
    return runModule(new GpuOps(forward, scope, loaded, routing), module, input, tap, wanted);
  },
});

/** @param mixed whether sums of what the head reads may be rounded. */
export const headSource = (gpu: Gpu, head: LinearSpec, norm: NormWeight, mixed: boolean): RowsSource => ({
  mixed,
  run(scope, { residual }, tap) {
    const normed = normalize(gpu, scope, residual, norm);
    tap(head.input, normed);
    return normed;
  },
});

/** A batch of rows start … that has been run, and what came out, (tokens, hidden). */
export interface ModuleRun {
  readonly scope: Scope;
  readonly input: ModuleInput<GpuTensor>;
  readonly output: GpuTensor;
  readonly start: number;
  readonly defer: Defer;
}

/** Sees rows on their way. */
export interface RowsSeen {
  /** Sees what linears read, (tokens, k), of rows start …; where they are experts' there may be zeros after the tokens. */
  readonly tap?: (input: InputKey, x: GpuTensor, start: number, tokens: number) => void;
  /** Sees what comes out. */
  readonly ran?: (run: ModuleRun) => void | Promise<void>;
  /** What comes out is wanted of batches that begin before this row; of all, where it is not said. */
  readonly ranBefore?: number;
}

/**
 * Shows what linears read of the rows start … one after the other: sums of them must not differ by how many rows are run
 * together, as that depends on the memory that is free. Together are shown what experts read, which get tokens of many
 * rows, and rows that do not begin where a view can.
 */
function tapByRow(tap: NonNullable<RowsSeen['tap']>, length: number, start: number, rows: number) {
  return (name: InputKey, values: GpuTensor, tokens?: number): void => {
    const [count, k] = values.shape as [number, number];
    if (tokens !== undefined || count !== rows * length || (length * k * 4) % OFFSET_ALIGNMENT !== 0) {
      tap(name, values, start, tokens ?? count);
      return;
    }
    for (let row = 0; row < rows; row++) tap(name, rowsOf(values, row * length, length), start + row, length);
  };
}

/** Runs rows, the one way in which any pass does. */
export async function runRows(
  { gpu, control }: Pick<StageContext, 'gpu' | 'control'>,
  source: RowsSource,
  states: HiddenStates,
  range: RowRange,
  batch: number,
  { tap, ran, ranBefore = Number.POSITIVE_INFINITY }: RowsSeen,
): Promise<void> {
  await forEachBatch(gpu, range.end - range.start, batch, async (scope, first, end, defer) => {
    await checkControl(control);
    const start = range.start + first;
    const input = await states.loadInput(scope, start, range.start + end);
    const wanted = ran !== undefined && start < ranBefore;
    const seen: Tap<GpuTensor> = tap ? tapByRow(tap, states.length, start, end - first) : () => {};
    const output = await source.run(scope, input, seen, wanted);
    if (wanted) await ran({ scope, input, output, start, defer });
  });
}

/**
 * Runs a module on the rows of `input`, as many as `output` has, and stores what comes out; both may be the same.
 * @returns whether all that came out is finite.
 */
export async function advance(
  context: StageContext,
  loaded: LoadedModule,
  input: HiddenStates,
  output: HiddenStates,
  batch: number,
  seen: Omit<RowsSeen, 'ranBefore'> = {},
): Promise<boolean> {
  let finite = true;
  await runRows(context, moduleSource(loaded), input, { start: 0, end: output.rows }, batch, {
    ...seen,
    async ran(run) {
      await seen.ran?.(run);
      const { scope, output: y, start, defer } = run;
      defer(output.store(y, start, loaded.module.keepsInput ? run.input.x : y));
      const looked = areFinite(context.gpu, scope, y, y.shape[0]! / output.length);
      defer(looked.then((each) => (finite &&= each)));
    },
  });
  return finite;
}
