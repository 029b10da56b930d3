import { type Candidate, distinctSettings } from '../exl2/candidates.ts';
import { finerSettings } from '../exl2/finer-settings.ts';
import { settingKey } from '../exl2/groups.ts';
import type { QuantParams } from '../exl2/params.ts';
import type { QuantizerMethod } from '../gptq/method.ts';
import type { MeasuredPart, SettingLoss } from '../measurement/measured-part.ts';
import type { MeasuredCandidate } from '../measurement/measurement-json.ts';
import { type CandidateRange, candidateBits, candidatesOf } from '../measurement/module-candidates.ts';
import type { LinearSpec, ModuleSpec } from '../model/spec.ts';
import { assert } from '../util/errors.ts';
import { finerCandidates } from './finer-candidates.ts';

/** The finer settings of a linear whose loss is measured along with these candidates: the parts share them evenly. */
export function finerSettingsOfPart(
  { name, k }: LinearSpec,
  candidates: readonly Candidate[],
  { from, to }: CandidateRange,
): QuantParams[] {
  const finer = finerSettings(k, distinctSettings(candidates, name, k).settings);
  const start = (candidate: number) => Math.floor((finer.length * candidate) / candidates.length);
  return finer.slice(start(from), start(to));
}

/**
 * A module's candidates from parts that cover them all, in any order. The refined measurement then adds those that
 * follow from the trials ({@link finerCandidates}). How the module was divided makes no difference.
 */
export function joinParts(
  module: ModuleSpec,
  method: QuantizerMethod,
  parts: readonly MeasuredPart[],
): MeasuredCandidate[] {
  const candidates = candidatesOf(module, method);
  const inOrder = parts.toSorted((a, b) => a.from - b.from);
  const errors = inOrder.flatMap((part) => part.errors);
  assert(errors.length === candidates.length, `${errors.length} of ${candidates.length} candidates`);
  const measured = candidates.map(
    (params, i): MeasuredCandidate => ({
      ...errors[i]!,
      totalBits: candidateBits(module, params),
      params,
    }),
  );
  if (method !== 'refined') return measured;
  const losses = module.linears.map(({ name, k }) => [name, lossesOf(name, k, candidates, parts)] as const);
  return [...measured, ...finerCandidates(module, candidates, new Map(losses), measured)];
}

/** Of a linear's settings: those of the candidates in their order, then the finer ones. */
function lossesOf(
  name: string,
  k: number,
  candidates: readonly Candidate[],
  parts: readonly MeasuredPart[],
): SettingLoss[] {
  const found = parts.flatMap(({ losses }) => losses?.get(name) ?? []);
  const byKey = new Map(found.map(({ params, loss }) => [settingKey(k, params), loss]));
  const { settings } = distinctSettings(candidates, name, k);
  return [...settings, ...finerSettings(k, settings)].map((params) => {
    const loss = byKey.get(settingKey(k, params));
    assert(loss !== undefined, `a setting of ${name} was not measured`);
    return { params, loss };
  });
}
