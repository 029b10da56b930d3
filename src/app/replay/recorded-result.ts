import type { JobRecord, TargetResult } from '../../../workers/api/jobs.ts';
import type { AllocationEvent, ConvertEvent } from '../../job/events.ts';
import type { Batch } from '../../job/recording/packed.ts';

/** The result that the recorded events add up to. */
export function recordedResult(
  record: JobRecord,
  batches: readonly Batch[],
  files: TargetResult['files'],
): TargetResult {
  const events = batches.flatMap((batch) => batch.events);
  const of = <T extends ConvertEvent['type']>(type: T) =>
    events.filter((event): event is Extract<ConvertEvent, { type: T }> => event.type === type);
  const allocation: AllocationEvent | undefined = of('allocation').at(-1);
  const evaluation = of('evaluation').at(-1)?.measures;
  if (!allocation) throw new Error('The recording has no allocation.');
  const perplexity = (model: 'original' | 'quantized') =>
    of('perplexity').find((event) => event.model === model)?.value ?? Number.NaN;
  return {
    bits: record.options.bits[0]!,
    bitsPerWeight: allocation.bitsPerWeight,
    headBits: record.options.headBits,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    files,
    perplexity: { original: perplexity('original'), quantized: perplexity('quantized') },
    ...(evaluation && { evaluation }),
    rfnErrors: Object.fromEntries(
      of('module').flatMap(({ key, rfnError }) => (rfnError === undefined ? [] : [[key, rfnError]])),
    ),
    linearErrors: Object.fromEntries(
      of('linear').flatMap(({ key, error }) => (error === undefined ? [] : [[key, error]])),
    ),
    allocation,
  };
}
