import { InputError } from '../src/util/errors.ts';
import { outputFolder } from '../src/util/output-folder.ts';
import type { JobEntry } from './job-store.ts';

/**
 * Throws InputError when a folder that the job makes and its model's folder lie in one another: an output would be
 * copied into the next one as a part of the model. A folder that has both side by side is fine.
 */
export async function requireApart(
  { record, source, output }: Pick<JobEntry, 'record' | 'source' | 'output'>,
  bits: readonly number[],
): Promise<void> {
  if (source.kind !== 'handle' || output.kind !== 'handle') return;
  const [model, chosen] = [source.handle, output.handle];
  const [first] = (await chosen.resolve(model)) ?? [];
  const isInOutput = bits.some((each) => outputFolder(record.model.name, each) === first);
  if (!isInOutput && !(await model.resolve(chosen))) return;
  throw new InputError(
    `The output in “${chosen.name}” and the model’s folder “${model.name}” would be the same or lie in one another: choose another folder for the output.`,
  );
}
