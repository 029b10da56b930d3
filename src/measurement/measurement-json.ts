import type { Candidate } from '../exl2/candidates.ts';
import { resolveGroups } from '../exl2/groups.ts';
import { describe, MAX_GROUP_ROWS, type QuantParams } from '../exl2/params.ts';
import { paramsFromJson, paramsToJson } from '../exl2/params-json.ts';
import type { QuantizerMethod } from '../gptq/method.ts';
import { isJsonObject } from '../io/json/json.ts';
import type { ChoiceSpec, ModelPlan } from '../model/spec.ts';
import { InputError } from '../util/errors.ts';
import { candidateBits } from './module-candidates.ts';

/** What a candidate costs a module's output, in two ways: see relative-error.ts. */
export interface MeasuredError {
  /** 1 − the error of whole rows, as ExLlamaV2 takes it. */
  readonly accuracy: number;
  /** The error token by token. Neither ExLlamaV2's measurements have it nor earlier ones of ours. */
  readonly tokenError?: number;
}

/** A candidate of a choice as it was measured. */
export interface MeasuredCandidate extends MeasuredError {
  readonly totalBits: number;
  /** Of the linears, by the names of their parameters. */
  readonly params: Candidate;
}

/** 1 − error; not below this, as in ExLlamaV2. */
export const accuracyOf = (error: number): number => Math.max(1e-6, 1 - error);

/** What this quantizer goes by: what it measures, or as much of it as the measurement has. */
export const errorOf = (method: QuantizerMethod, { accuracy, tokenError }: MeasuredError): number =>
  (method === 'refined' ? tokenError : undefined) ?? 1 - accuracy;

/** What was measured of every choice, by key. */
export interface Measurement {
  readonly modules: ReadonlyMap<string, readonly MeasuredCandidate[]>;
}

/** What is to be told where the refined quantizer has a measurement without what it would go by; else undefined. */
export function measurementAdvice(method: QuantizerMethod, { modules }: Measurement): string | undefined {
  const lacks = [...modules.values()].flat().some(({ tokenError }) => tokenError === undefined);
  if (method !== 'refined' || !lacks) return undefined;
  return (
    'This measurement has only errors of whole rows of tokens (ExLlamaV2 made it, or an earlier version): it is used as ' +
    'it is, but measuring again gives a better mix of bit widths.'
  );
}

/** ExLlamaV2 lists the final norm and the head too, without candidates; what it has before the layers' names they have too. */
const unmeasured = (keys: readonly string[]): string[] => {
  const prefix = /^(.*?)model\.layers\./.exec(keys[0] ?? '')?.[1] ?? '';
  return [`${prefix}model.norm.norm`, `${prefix}lm_head.linear`];
};

/** measurement.json as ExLlamaV2 writes and reads it. */
export function measurementToJson({ modules }: Measurement): unknown {
  return modulesToJson([...modules].map(([key, candidates]) => [key, moduleToJson(candidates)]));
}

/** measurement.json of all choices in their order, each as {@link moduleToJson} writes it. */
export function modulesToJson(choices: readonly (readonly [key: string, candidates: unknown])[]): unknown {
  const measurement: Record<string, unknown> = {};
  for (const [key, candidates] of choices) {
    const { parent, part } = PARALLEL.exec(key)?.groups ?? {};
    if (parent === undefined) measurement[key] = candidates;
    else measurement[parent] = { ...(measurement[parent] as object), [part!]: candidates };
  }
  for (const key of unmeasured(Object.keys(measurement))) measurement[key] = null;
  return { measurement, last_module_idx: Object.keys(measurement).length };
}

/** Choices of one layer that ExLlamaV2 has in one entry: attention and MLP beside each other. */
const PARALLEL = /^(?<parent>.*\.parallel_decoder)\.(?<part>attn|mlp)$/;

/** The choices of an entry of measurement.json. */
const choicesIn = ([key, value]: [string, unknown]): [string, unknown][] =>
  key.endsWith('.parallel_decoder') && isJsonObject(value)
    ? Object.entries(value).map(([part, candidates]) => [`${key}.${part}`, candidates])
    : [[key, value]];

/** The candidates of one module, as they stand in measurement.json. */
export const moduleToJson = (candidates: readonly MeasuredCandidate[]): unknown[] =>
  candidates.map(candidateToJson);

function candidateToJson({ accuracy, tokenError, totalBits, params }: MeasuredCandidate) {
  const linears = Object.entries(params).map(([name, setting]) => [name, paramsToJson(setting)] as const);
  return {
    accuracy,
    ...(tokenError !== undefined && { token_error: tokenError }),
    total_bits: totalBits,
    ...Object.fromEntries(linears),
  };
}

/** Reads a measurement made by this program or by ExLlamaV2. Throws InputError when it is not of this model. */
export function measurementFromJson(json: unknown, plan: ModelPlan): Measurement {
  const { measurement: modules, slice } = (json ?? {}) as { measurement?: unknown; slice?: unknown };
  if (slice !== undefined) {
    throw new InputError(
      'The measurement is a slice of some layers: join all slices with npm run merge-measurements first.',
    );
  }
  if (typeof modules !== 'object' || modules === null) {
    throw new InputError(
      'The measurement has no "measurement" object: expected ExLlamaV2\'s measurement.json.',
    );
  }
  const byKey = new Map(Object.entries(modules).flatMap(choicesIn));
  const keys = new Set(plan.choices.map(({ key }) => key));
  // What has no candidates is listed for form's sake: norm and head, learned positions.
  const unknown = [...byKey].find(([key, candidates]) => candidates !== null && !keys.has(key));
  if (unknown) {
    throw new InputError(
      `The measurement has ${unknown[0]}, which this model lacks: it is of another model.`,
    );
  }
  return {
    modules: new Map(
      plan.choices.map((choice) => [choice.key, moduleFromJson(choice, byKey.get(choice.key))]),
    ),
  };
}

/** Reads what {@link moduleToJson} writes. Throws InputError. */
export function moduleFromJson(choice: ChoiceSpec, value: unknown): MeasuredCandidate[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new InputError(
      `The measurement has no candidates for ${choice.key}: it is of another model, or was not finished.`,
    );
  }
  return value.map((candidate, i) =>
    readCandidate(choice, candidate, `measurement of ${choice.key}, candidate ${i}`),
  );
}

function readCandidate(choice: ChoiceSpec, value: unknown, where: string): MeasuredCandidate {
  const fields = new Map(Object.entries((value ?? {}) as Record<string, unknown>));
  const accuracy = fields.get('accuracy');
  if (typeof accuracy !== 'number' || !(accuracy > 0 && accuracy <= 1)) {
    throw new InputError(`The ${where}: accuracy is ${accuracy}; expected a number above 0 and at most 1.`);
  }
  const tokenError = fields.get('token_error');
  if (tokenError !== undefined && !(typeof tokenError === 'number' && tokenError >= 0)) {
    throw new InputError(`The ${where}: token_error is ${tokenError}; expected a number from 0.`);
  }
  const widths = new Map(choice.linears.map(({ paramsName, k }) => [paramsName, k]));
  const params = Object.fromEntries(
    [...widths].map(([name, k]): [string, QuantParams] => {
      const place = `The ${where}, ${name}`;
      const setting = paramsFromJson(fields.get(name), place);
      checkGroups(k, setting, place);
      return [name, setting];
    }),
  );
  const bits = candidateBits(choice, params);
  if (fields.get('total_bits') !== bits) {
    throw new InputError(
      `The ${where}: total_bits is ${fields.get('total_bits')}; this model's layer takes ${bits}. The measurement is of another model.`,
    );
  }
  return {
    accuracy,
    ...(tokenError !== undefined && { tokenError }),
    totalBits: bits,
    params,
  };
}

/** Throws InputError for groups that the quantizer does not take. */
function checkGroups(k: number, params: QuantParams, where: string): void {
  const large = resolveGroups(k, params).find(({ start, end }) => end - start > MAX_GROUP_ROWS);
  if (!large) return;
  throw new InputError(
    `${where}: ${describe(params)} makes groups of ${large.end - large.start} rows; this program quantizes groups of at ` +
      `most ${MAX_GROUP_ROWS}. Take a measurement with smaller group sizes.`,
  );
}
