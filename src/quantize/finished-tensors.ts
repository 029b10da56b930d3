import type { Strategy } from '../allocate/optimize.ts';
import { strategyToJson } from '../allocate/strategy-json.ts';
import type { SafetensorsFile } from '../io/safetensors/reader.ts';
import type { WorkDirectory } from '../io/work/work-directory.ts';
import { ARTEFACT } from '../job/artefacts.ts';
import { digestOf } from '../util/digest.ts';

const STRATEGY = 'strategy';

/**
 * Says of a module's tensors by which strategy they were made: on the states that the modules before them leave, so
 * all of it counts.
 */
export const strategyMark = async (strategy: Strategy): Promise<Readonly<Record<string, string>>> => ({
  [STRATEGY]: await digestOf(strategyToJson(strategy)),
});

/** What an earlier run has made of a module, or of the head, by this strategy. */
export async function finishedTensors(
  work: WorkDirectory,
  key: string,
  strategy: Strategy,
): Promise<SafetensorsFile | undefined> {
  const file = await work.openTensors(ARTEFACT.tensors(key));
  const mark = await strategyMark(strategy);
  return file?.metadata.get(STRATEGY) === mark[STRATEGY] ? file : undefined;
}
