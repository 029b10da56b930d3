import type { JobRecord, TargetResult } from '../../../workers/api/jobs.ts';
import type { AllocationEvent } from '../../job/events.ts';
import { headBitsPerWeight } from '../settings.ts';
import { EMPTY_MODULE, type JobView, type ModuleView, viewOf } from './job-view.ts';

/** A finished bitrate as the grid shows it. */
export function resultView(record: JobRecord, result: TargetResult): JobView {
  const modules = result.allocation.modules.map((choice): [string, ModuleView] => {
    const rfnError = result.rfnErrors[choice.key];
    const linearErrors = errorsOf(record, result.linearErrors, choice.key);
    const expertErrors = errorsOf(record, result.expertErrors, choice.key);
    const expertTokens = result.expertTokens?.[choice.key];
    const module: ModuleView = {
      ...{ ...EMPTY_MODULE, measured: true, choice, linearErrors, expertErrors },
      ...(expertTokens && { expertTokens }),
      ...(rfnError !== undefined && { rfnError }),
    };
    return [choice.key, module];
  });
  return {
    ...viewOf(record),
    bits: result.bits,
    modules: new Map(modules),
    head: headBitsPerWeight(record.model, record.options.headBits),
  };
}

/** Of a module's linears, by name. */
function errorsOf<T>(
  { model }: JobRecord,
  all: Readonly<Record<string, T>> | undefined,
  key: string,
): Record<string, T> {
  const linears = model.modules.find((module) => module.key === key)?.linears ?? [];
  const errors = linears.flatMap(({ name }): [string, T][] => {
    const error = all?.[`${key}.${name}`];
    return error === undefined ? [] : [[name, error]];
  });
  return Object.fromEntries(errors);
}

/** An allocation as the grid shows it: chosen, not yet quantized. */
export function allocationView(record: JobRecord, allocation: AllocationEvent): JobView {
  const modules = allocation.modules.map((choice): [string, ModuleView] => [
    choice.key,
    { ...EMPTY_MODULE, measured: true, choice },
  ]);
  const head = headBitsPerWeight(record.model, record.options.headBits);
  return { ...viewOf(record), modules: new Map(modules), head };
}
