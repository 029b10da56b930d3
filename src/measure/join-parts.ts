import { type Candidate, distinctSettings } from '../exl2/candidates.ts';
import { finerSettings } from '../exl2/finer-settings.ts';
import { settingKey } from '../exl2/groups.ts';
import type { QuantParams } from '../exl2/params.ts';
import type { QuantizerMethod } from '../gptq/method.ts';
import type { MeasuredPart, SettingLoss } from '../measurement/measured-part.ts';
import { accuracyOf, type MeasuredCandidate, type MeasuredError } from '../measurement/measurement-json.ts';
import { type CandidateRange, candidateBits, candidatesOf } from '../measurement/module-candidates.ts';
import type { ChoiceSpec, LinearSpec, ModuleSpec } from '../model/spec.ts';
import { assert } from '../util/errors.ts';
import { finerCandidates, type MeasuredModule } from './finer-candidates.ts';

/** The finer settings of a linear whose loss is measured along with these candidates: the parts share them evenly. */
export function finerSettingsOfPart(
  { paramsName, k }: LinearSpec,
  candidates: readonly Candidate[],
  { from, to }: CandidateRange,
): QuantParams[] {
  const finer = finerSettings(k, distinctSettings(candidates, paramsName, k).settings);
  const start = (candidate: number) => Math.floor((finer.length * candidate) / candidates.length);
  return finer.slice(start(from), start(to));
}

/** What parts of a module say together; each begins where the one before ends. */
export function asOnePart(parts: readonly MeasuredPart[]): MeasuredPart {
  const first = parts[0]!;
  const names = [...(first.losses?.keys() ?? [])];
  const lossesOf = (name: string) => parts.flatMap(({ losses }) => losses!.get(name)!);
  return {
    ...first,
    to: parts.at(-1)!.to,
    errors: parts.flatMap(({ errors }) => errors),
    losses: first.losses && new Map(names.map((name) => [name, lossesOf(name)])),
  };
}

/**
 * A choice's candidates from parts that cover them all for each of its modules, in any order. The refined measurement then
 * adds those that follow from the trials ({@link finerCandidates}). How it was divided makes no difference.
 * @param parts of each module.
 */
export function joinParts(
  choice: ChoiceSpec,
  method: QuantizerMethod,
  parts: ReadonlyMap<ModuleSpec, readonly MeasuredPart[]>,
): MeasuredCandidate[] {
  const candidates = candidatesOf(choice, method);
  const modules = choice.modules.map((module): MeasuredModule => {
    const own = (parts.get(module) ?? []).toSorted((a, b) => a.from - b.from);
    const errors = own.flatMap((part) => part.errors);
    assert(errors.length === candidates.length, `${errors.length} of ${candidates.length} candidates`);
    const losses = method === 'refined' ? lossesOf(module, candidates, own) : new Map();
    return { errors, losses };
  });
  const measured = candidates.map(
    (params, i): MeasuredCandidate => ({
      ...together(modules.map(({ errors }) => errors[i]!)),
      totalBits: candidateBits(choice, params),
      params,
    }),
  );
  if (method !== 'refined') return measured;
  return [...measured, ...finerCandidates(choice, candidates, modules)];
}

/** Errors of modules beside each other, each measured alone: they are independent, so their squares add. */
export function together(errors: readonly MeasuredError[]): MeasuredError {
  const [first] = errors;
  if (errors.length === 1) return first!;
  const root = (values: readonly number[]) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
  const tokenErrors = errors.flatMap(({ tokenError }) => tokenError ?? []);
  return {
    accuracy: accuracyOf(root(errors.map(({ accuracy }) => 1 - accuracy))),
    ...(tokenErrors.length > 0 && { tokenError: root(tokenErrors) }),
  };
}

/**
 * By the name of their parameters, what settings cost a module's linears of that name together: those of the candidates in
 * their order, then the finer ones.
 */
function lossesOf(
  { linears }: ModuleSpec,
  candidates: readonly Candidate[],
  parts: readonly MeasuredPart[],
): Map<string, SettingLoss[]> {
  const all = new Map<string, SettingLoss[]>();
  for (const { name, paramsName, k } of linears) {
    const found = parts.flatMap(({ losses }) => losses?.get(name) ?? []);
    const byKey = new Map(found.map(({ params, loss }) => [settingKey(k, params), loss]));
    const { settings } = distinctSettings(candidates, paramsName, k);
    const before = all.get(paramsName);
    const own = [...settings, ...finerSettings(k, settings)].map((params, i) => {
      const loss = byKey.get(settingKey(k, params));
      assert(loss !== undefined, `a setting of ${name} was not measured`);
      return { params, loss: loss + (before?.[i]?.loss ?? 0) };
    });
    all.set(paramsName, own);
  }
  return all;
}
