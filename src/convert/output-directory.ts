import type { WritableDirectory } from '../io/bytes.ts';
import { readJsonFile } from '../io/json.ts';
import { InputError } from '../util/errors.ts';

/**
 * Makes sure that nothing of the user's is overwritten: the output directory must be empty, new, or hold an EXL2
 * model (of an earlier conversion), which is replaced.
 */
export async function checkOutput(output: WritableDirectory): Promise<void> {
  const config = await output.open('config.json');
  if (config) {
    const { quantization_config } = (await readJsonFile(config)) as {
      quantization_config?: { quant_method?: unknown };
    };
    if (quantization_config?.quant_method === 'exl2') return;
  }
  const [first] = await listIfThere(output);
  if (!first) return;
  throw new InputError(
    `The output directory ${output.name} holds files that are not an EXL2 model (${first.path}, …): choose an empty or new one.`,
  );
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
