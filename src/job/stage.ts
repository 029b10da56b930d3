import type { StageContext } from './context.ts';
import type { StageName } from './stages.ts';

/** Runs a stage and reports its start, end and time. */
export async function stage<T>(
  { emit, control }: Pick<StageContext, 'emit' | 'control'>,
  name: StageName,
  work: () => Promise<T>,
): Promise<T> {
  control.signal.throwIfAborted();
  const started = performance.now();
  emit({ type: 'stage', stage: name, state: 'started' });
  const result = await work();
  emit({ type: 'stage', stage: name, state: 'done', seconds: (performance.now() - started) / 1000 });
  return result;
}
