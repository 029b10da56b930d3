import type { WorkDirectory } from '../io/work/work-directory.ts';
import { ARTEFACT } from '../job/artefacts.ts';
import { InputError } from '../util/errors.ts';
import type { Strategy } from './optimize.ts';
import { strategyToJson } from './strategy-json.ts';

/**
 * Makes sure that the layers in the work directory were quantized by this strategy.
 * @throws InputError that names the modules whose parameters differ.
 */
export async function checkStrategy(work: WorkDirectory, strategy: Strategy): Promise<void> {
  const earlier = await work.readJson<Record<string, unknown>>(ARTEFACT.strategy);
  if (!earlier) return;
  const now = Object.entries(strategyToJson(strategy));
  const changed = now.filter(([key, chosen]) => JSON.stringify(earlier[key]) !== JSON.stringify(chosen));
  if (changed.length === 0) return;
  throw new InputError(
    `The work directory holds a job with another allocation, made from another measurement; it differs in ` +
      `${changed.map(([key]) => key).join(', ')}. Pass the same measurement to go on with it, or take another work ` +
      'directory (--out_dir) for a new job, or --no_resume to drop the old one.',
  );
}
