import type { WritableDirectory } from '../io/bytes.ts';
import { readJsonFile } from '../io/json.ts';
import type { WorkDirectory } from '../io/work-directory.ts';
import { InputError } from '../util/errors.ts';
import { ARTEFACT } from './artefacts.ts';

/**
 * Makes sure that nothing of the user's is overwritten: the output directory must be empty, new, or hold an EXL2
 * model (of an earlier conversion), which is replaced; or this job was stopped while it wrote there.
 */
export async function checkOutput(output: WritableDirectory, work: WorkDirectory): Promise<void> {
  const begun = await work.readJson<OutputNote>(ARTEFACT.output);
  if (begun?.directory === output.name) return;
  const config = await output.open('config.json');
  if (config) {
    const { quantization_config } = (await readJsonFile(config)) as {
      quantization_config?: { quant_method?: unknown };
    };
    if (quantization_config?.quant_method === 'exl2') return;
  }
  const [first] = await listIfThere(output);
  if (!first) return tryToWrite(output);
  throw new InputError(
    `The output directory ${output.name} holds files that are not an EXL2 model (${first.path}, …): choose an empty or new one.`,
  );
}

/** Better now than after hours of work. */
async function tryToWrite(output: WritableDirectory): Promise<void> {
  const sink = await output.create('config.json');
  await sink.abort();
}

/** Notes that the job writes there from now on. */
export const claimOutput = (output: WritableDirectory, work: WorkDirectory): Promise<void> =>
  work.writeJson(ARTEFACT.output, { directory: output.name } satisfies OutputNote);

interface OutputNote {
  readonly directory: string;
}

async function listIfThere(directory: WritableDirectory) {
  try {
    return await directory.list();
  } catch (error) {
    // A directory that does not exist yet is as good as an empty one.
    if (error instanceof InputError) return [];
    throw error;
  }
}
