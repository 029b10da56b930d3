import type { JobRecord, TargetResult } from '../../../workers/api.ts';
import type { AllocationEvent } from '../../convert/events.ts';
import { headBitsPerWeight } from '../sizes.ts';
import { type JobView, type ModuleView, viewOf } from './job-view.ts';

/** A finished bitrate as the grid shows it. */
export function resultView(record: JobRecord, result: TargetResult): JobView {
  const modules = result.allocation.modules.map((choice): [string, ModuleView] => {
    const rfnError = result.rfnErrors[choice.key];
    const module = { trials: [], measured: true, choice, linears: {} };
    return [choice.key, rfnError === undefined ? module : { ...module, rfnError }];
  });
  return {
    ...viewOf(record),
    bits: result.bits,
    modules: new Map(modules),
    head: headBitsPerWeight(record.model, record.options.headBits),
  };
}

/** An allocation as the grid shows it: chosen, not yet quantized. */
export function allocationView(record: JobRecord, allocation: AllocationEvent): JobView {
  const modules = allocation.modules.map((choice): [string, ModuleView] => [
    choice.key,
    { trials: [], measured: true, choice, linears: {} },
  ]);
  const head = headBitsPerWeight(record.model, record.options.headBits);
  return { ...viewOf(record), modules: new Map(modules), head };
}
