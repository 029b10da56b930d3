import { expect, test } from 'vitest';
import { attentionCandidates, type Candidate, mlpCandidates } from '../../src/exl2/candidates.ts';
import { parseParams } from '../../src/exl2/params.ts';
import {
  errorOf,
  measurementAdvice,
  measurementFromJson,
  measurementToJson,
} from '../../src/measurement/measurement-json.ts';
import { candidateBits } from '../../src/measurement/module-candidates.ts';
import { InputError } from '../../src/util/errors.ts';
import { ARCHITECTURE_NAMES, architectureModel } from '../support/architectures.ts';
import { readGolden } from '../support/golden-conversions.ts';

interface Json {
  measurement: Record<string, Record<string, unknown>[] | null>;
  last_module_idx: number;
}

const golden = (name: string): Json =>
  readGolden(`conversion/architectures/${name}/measurement.json`) as Json;

test.each(ARCHITECTURE_NAMES)(
  '%s: the measurement of ExLlamaV2 goes in and comes out unchanged',
  async (name) => {
    const { plan } = await architectureModel(name);
    const json = golden(name);
    const measurement = measurementFromJson(json, plan);
    expect([...measurement.modules.keys()]).toEqual(plan.choices.map(({ key }) => key));
    const [attention, mlp] = [...measurement.modules.values()];
    // Experts have names of their own.
    const settings = (candidates: readonly Candidate[]) => candidates.map((params) => Object.values(params));
    expect(settings(attention!.map(({ params }) => params))).toEqual(settings(attentionCandidates()));
    expect(settings(mlp!.map(({ params }) => params))).toEqual(settings(mlpCandidates(true)));
    expect(JSON.parse(JSON.stringify(measurementToJson(measurement)))).toEqual(json);
  },
);

test('modules and keys come in the order of ExLlamaV2', async () => {
  const { plan } = await architectureModel('qwen2');
  const json = golden('qwen2');
  const ours = measurementToJson(measurementFromJson(json, plan)) as Json;
  expect(Object.keys(ours)).toEqual(['measurement', 'last_module_idx']);
  expect(Object.keys(ours.measurement)).toEqual(Object.keys(json.measurement));
  const key = 'model.layers.0.mlp';
  expect(Object.keys(ours.measurement[key]![0]!)).toEqual(Object.keys(json.measurement[key]![0]!));
});

test('errors token by token stand beside the accuracies, and are kept', async () => {
  const { plan } = await architectureModel('qwen2');
  const json = golden('qwen2');
  for (const candidates of Object.values(json.measurement)) {
    for (const [i, candidate] of (candidates ?? []).entries()) candidate['token_error'] = 0.01 * (i + 1);
  }
  const measurement = measurementFromJson(json, plan);
  const [first] = [...measurement.modules.values()];
  const { accuracy } = first![2]!;
  expect(errorOf('refined', first![2]!)).toBe(0.03);
  expect(errorOf('exllamav2', first![2]!)).toBe(1 - accuracy);
  expect(JSON.parse(JSON.stringify(measurementToJson(measurement)))).toEqual(json);
  expect(measurementAdvice('refined', measurement)).toBeUndefined();
});

test('a measurement of ExLlamaV2 is taken as it is, and measuring again is advised', async () => {
  const { plan } = await architectureModel('qwen2');
  const measurement = measurementFromJson(golden('qwen2'), plan);
  const [first] = [...measurement.modules.values()];
  expect(errorOf('refined', first![0]!)).toBe(1 - first![0]!.accuracy);
  expect(measurementAdvice('refined', measurement)).toContain('measuring again gives a better mix');
  expect(measurementAdvice('exllamav2', measurement)).toBeUndefined();
});

const ATTENTION = 'model.layers.1.self_attn';

test.each<[string, (json: Json) => unknown, string]>([
  ['no object', () => null, 'no "measurement" object'],
  [
    'a slice of the layers',
    (json) => ({ ...json, slice: { first: 0, last: 0 } }),
    'join all slices with npm run merge-measurements',
  ],
  ['another file', () => ({ bits: 4 }), 'no "measurement" object'],
  [
    'a module missing',
    ({ measurement: { [ATTENTION]: _, ...rest } }) => ({ measurement: rest }),
    `no candidates for ${ATTENTION}`,
  ],
  [
    'a module of another model',
    (json) => ({ measurement: { ...json.measurement, 'model.layers.2.mlp': [] } }),
    'has model.layers.2.mlp, which this model lacks',
  ],
  [
    'a module without candidates',
    (json) => ({ measurement: { ...json.measurement, [ATTENTION]: [] } }),
    `no candidates for ${ATTENTION}`,
  ],
  [
    'a module not finished',
    (json) => ({ measurement: { ...json.measurement, [ATTENTION]: null } }),
    'was not finished',
  ],
  [
    'other bits',
    (json) => change(json, { total_bits: 1 }),
    "candidate 3: total_bits is 1; this model's layer takes",
  ],
  ['accuracy as text', (json) => change(json, { accuracy: '0.9' }), 'accuracy is 0.9; expected a number'],
  ['accuracy of zero', (json) => change(json, { accuracy: 0 }), 'accuracy is 0'],
  [
    'a token error below zero',
    (json) => change(json, { token_error: -1 }),
    'token_error is -1; expected a number',
  ],
  ['a token error that is none', (json) => change(json, { token_error: null }), 'token_error is null'],
  ['accuracy above one', (json) => change(json, { accuracy: 1.5 }), 'accuracy is 1.5'],
  ['a linear missing', (json) => change(json, { q_proj: undefined }), 'q_proj: expected two lists'],
])('refuses %s', async (_, damage, message) => {
  const { plan } = await architectureModel('llama3_rope');
  const json = damage(golden('llama3_rope'));
  expect(() => measurementFromJson(json, plan)).toThrow(InputError);
  expect(() => measurementFromJson(json, plan)).toThrow(message);
});

/** The measurement with fields of one candidate replaced. */
function change({ measurement }: Json, fields: Record<string, unknown>): unknown {
  const candidates = measurement[ATTENTION]!.map((candidate, i) =>
    i === 3 ? { ...candidate, ...fields } : candidate,
  );
  return { measurement: { ...measurement, [ATTENTION]: candidates } };
}

test('a measurement of a model with biases does not fit one without', async () => {
  const { plan } = await architectureModel('llama3_rope');
  expect(() => measurementFromJson(golden('qwen2'), plan)).toThrow('The measurement is of another model.');
});

test('groups that the quantizer does not take are named; a size that the layer has no rows for is fine', async () => {
  const { plan } = await architectureModel('llama3_rope');
  const module = plan.modules[1]!;
  const { modules } = measurementFromJson(golden('llama3_rope'), plan);
  const withGroups = (linear: string, setting: string): unknown => {
    const params = { ...modules.get(module.key)![0]!.params, [linear]: parseParams(setting) };
    const candidate = { accuracy: 0.5, totalBits: candidateBits(module, params), params };
    return measurementToJson({ modules: new Map([...modules, [module.key, [candidate]]]) });
  };
  expect(module.linears.map(({ name, k }) => [name, k])).toEqual([
    ['gate_proj', 128],
    ['up_proj', 128],
    ['down_proj', 192],
  ]);
  for (const size of [160, 192, 4096]) {
    expect(() => measurementFromJson(withGroups('down_proj', `1:4b_${size}g`), plan)).toThrow(
      `The measurement of ${module.key}, candidate 0, down_proj: 1:4b_${size}g s4 makes groups of ${Math.min(size, 192)} rows`,
    );
    measurementFromJson(withGroups('up_proj', `1:4b_${size}g`), plan);
  }
});

test('a model within another has all its keys there; positions without candidates are passed over', async () => {
  const { plan } = await architectureModel('qwen2');
  const inner = (text: string) =>
    JSON.parse(
      text.replaceAll('"model.', '"language_model.model.').replace('"lm_head', '"language_model.lm_head'),
    );
  const json = inner(JSON.stringify(golden('qwen2')));
  const choices = plan.choices.map((choice) => ({ ...choice, key: `language_model.${choice.key}` }));
  const measurement = measurementFromJson(json, { ...plan, choices });
  expect(measurementToJson(measurement)).toEqual(json);
  const withPositions = { ...golden('qwen2').measurement, 'model.wpe.pos_emb': null };
  expect(measurementFromJson({ measurement: withPositions }, plan).modules.size).toBe(plan.choices.length);
});
