import type { FileEntry, WritableDirectory } from '../io/bytes.ts';
import { isJsonObject, readJsonFile } from '../io/json/json.ts';
import { listIfThere } from '../io/list-if-there.ts';
import type { WorkDirectory } from '../io/work/work-directory.ts';
import { ARTEFACT } from '../job/artefacts.ts';
import { InputError } from '../util/errors.ts';

/** Weights where loaders look for them, which is the top folder alone. */
const WEIGHTS = /^[^/]+\.safetensors$/i;
/** What a conversion calls its own, and replaces. */
export const SHARD = /^output(-\d{5}-of-\d{5})?\.safetensors$/;

/** As ExLlamaV2 names the weight file of this number, from 0, of so many. */
export function shardName(index: number, count: number): string {
  const number = (value: number) => String(value).padStart(5, '0');
  return count === 1 ? 'output.safetensors' : `output-${number(index + 1)}-of-${number(count)}.safetensors`;
}

/**
 * Makes sure that nothing of the user's is overwritten: the output directory must be empty, new, or hold an EXL2
 * model (of an earlier conversion), which is replaced; or this job was stopped while it wrote there.
 */
export async function checkOutput(output: WritableDirectory, work: WorkDirectory): Promise<void> {
  const begun = await work.readJson<OutputNote>(ARTEFACT.output);
  if (begun?.directory === output.name) return;
  const files = await listIfThere(output);
  if (await holdsExl2(output)) return refuseOtherWeights(output, files);
  const [first] = files;
  if (!first) return tryToWrite(output);
  const { kind } = await work.inspect(ARTEFACT.output);
  const own = kind === 'missing' || begun ? '' : OWN_FILES;
  throw new InputError(
    `The output directory ${output.name} holds files that are not an EXL2 model (${first.path}, …): choose an empty or new one.${own}`,
  );
}

const OWN_FILES = ` The job's note of where it writes (${ARTEFACT.output}) is damaged: if these files are what it had written so far, remove them, and run the same command again.`;

async function holdsExl2(output: WritableDirectory): Promise<boolean> {
  const source = await output.open('config.json');
  const config = source && (await readJsonFile(source).catch(noJson));
  if (!isJsonObject(config)) return false;
  const { quantization_config: quantization } = config;
  const { quant_method: method }: Record<string, unknown> = isJsonObject(quantization) ? quantization : {};
  return method === 'exl2';
}

/** What is damaged says nothing of what the folder holds. */
function noJson(error: unknown): undefined {
  if (!(error instanceof InputError)) throw error;
}

/** Loaders read every safetensors file that they find: others would get mixed up with the new weights. */
function refuseOtherWeights(output: WritableDirectory, files: readonly FileEntry[]): void {
  const other = files.find(({ path }) => WEIGHTS.test(path) && !SHARD.test(path));
  if (!other) return;
  throw new InputError(
    `The output directory ${output.name} holds an EXL2 model with weights that are not replaced (${other.path}): choose an empty or new one.`,
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
