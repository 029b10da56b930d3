import { readFile } from 'node:fs/promises';
import { describe } from '../../exl2/params.ts';
import type { LessonOrigin, StoredMeasurement } from '../../learn/data/stored-lessons.ts';
import { errorOf, measurementFromJson } from '../../measurement/measurement-json.ts';
import { planOriginal } from '../../model/check/plan-original.ts';
import type { RunnableModel } from '../../runnable/runnable-model.ts';

/** Errors have more digits in measurement.json than mean something. */
const DIGITS = 5;

/** What the lessons show of a measurement.json of the bundled model. */
export async function storedMeasurement(
  path: string,
  tokens: number,
  { source }: RunnableModel,
  made: LessonOrigin,
): Promise<StoredMeasurement> {
  const { plan } = await planOriginal(source, {});
  const measurement = measurementFromJson(JSON.parse(await readFile(path, 'utf8')), plan);
  const settings: string[] = [];
  const indexOf = (setting: string): number => {
    const known = settings.indexOf(setting);
    return known < 0 ? settings.push(setting) - 1 : known;
  };
  const modules = plan.choices.map(({ key, linears }) => ({
    key,
    linears: linears.map(({ paramsName, k, n }) => ({ name: paramsName, k, n })),
    candidates: measurement.modules.get(key)!.map((candidate) => ({
      bits: candidate.totalBits,
      error: Number(errorOf('refined', candidate).toPrecision(DIGITS)),
      settings: linears.map(({ paramsName }) => indexOf(describe(candidate.params[paramsName]!))),
    })),
  }));
  return { made, tokens, settings, modules };
}
