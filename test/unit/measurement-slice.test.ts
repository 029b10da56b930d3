import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { mergeCommand } from '../../src/cli/merge/command.ts';
import { checkLayers } from '../../src/job/layer-range.ts';
import { measurementFromJson, measurementToJson } from '../../src/measurement/measurement-json.ts';
import {
  mergeSlices,
  readSlice,
  type SliceOrigin,
  sliceToJson,
} from '../../src/measurement/measurement-slice.ts';
import { InputError } from '../../src/util/errors.ts';
import { architectureModel } from '../support/architectures.ts';
import { readGolden } from '../support/golden-conversions.ts';

const { plan } = await architectureModel('llama3_rope');
const LAYERS = 4;
/** The golden measurement of two layers, told to be of four. */
const golden = measurementFromJson(readGolden('conversion/architectures/llama3_rope/measurement.json'), plan);
const candidates = [...golden.modules.values()];
const whole = new Map(
  Array.from({ length: LAYERS }, (_, layer) => layer).flatMap((layer) => [
    [`model.layers.${layer}.self_attn`, candidates[0]!] as const,
    [`model.layers.${layer}.mlp`, candidates[1]!] as const,
  ]),
);
const ORIGIN: SliceOrigin = {
  layers: LAYERS,
  model: 'a1',
  measurement_rows: '2 × 32 tokens, b2',
  quantizer: 'refined',
  precision: 'mixed',
  rope_scale: null,
  rope_alpha: null,
};

interface SliceJson {
  measurement: Record<string, unknown>;
  slice: Record<string, unknown>;
}

function sliceJson(first: number, last: number, changed: Partial<SliceOrigin> = {}): SliceJson {
  const inside = [...whole].filter(([key]) => {
    const layer = Number(key.split('.')[2]);
    return layer >= first && layer <= last;
  });
  const json = sliceToJson(new Map(inside), { first, last }, { ...ORIGIN, ...changed });
  return JSON.parse(JSON.stringify(json)) as SliceJson;
}

const slice = (...args: Parameters<typeof sliceJson>) =>
  readSlice(sliceJson(...args), `${args[0]}-${args[1]}.json`);

describe('slices', () => {
  test('in any order, also where they overlap, make the file of one run', () => {
    const one = JSON.stringify(measurementToJson({ modules: whole }));
    expect(JSON.stringify(mergeSlices([slice(2, 3), slice(0, 1)]))).toBe(one);
    expect(JSON.stringify(mergeSlices([slice(1, 3), slice(0, 2), slice(1, 1)]))).toBe(one);
    expect(JSON.stringify(mergeSlices([slice(0, 3)]))).toBe(one);
  });

  test.each<[Partial<SliceOrigin>, string]>([
    [{ model: 'c3' }, 'model: a1 and c3'],
    [{ layers: 5 }, 'number of layers: 4 and 5'],
    [{ measurement_rows: '2 × 32 tokens, d4' }, 'calibration rows: 2 × 32 tokens, b2 and 2 × 32 tokens, d4'],
    [{ quantizer: 'exllamav2' }, 'quantizer: refined and exllamav2'],
    [{ precision: 'f32' }, 'precision: mixed and f32'],
    [{ rope_scale: 2 }, 'RoPE scale: null and 2'],
    [{ rope_alpha: 2 }, 'RoPE alpha: null and 2'],
  ])('with other %o are refused', (changed, difference) => {
    const merge = () => mergeSlices([slice(0, 1), slice(2, 3, changed)]);
    expect(merge).toThrow(InputError);
    expect(merge).toThrow('0-1.json (layers 0-1) and 2-3.json (layers 2-3) do not belong together');
    expect(merge).toThrow(difference);
  });

  test('that differ where they overlap are refused', () => {
    const json = sliceJson(1, 3);
    json.measurement['model.layers.1.mlp'] = [{ accuracy: 0.5 }];
    const merge = () => mergeSlices([slice(0, 1), readSlice(json, 'b.json')]);
    expect(merge).toThrow(
      '0-1.json (layers 0-1) and b.json (layers 1-3) differ in model.layers.1.mlp: leave one',
    );
  });

  test('that leave gaps are refused', () => {
    expect(() => mergeSlices([slice(1, 1), slice(3, 3)])).toThrow(
      'Layers 0-0, 2-2 of 0-3 are missing; there are 1-1.json (layers 1-1), 3-3.json (layers 3-3).',
    );
    expect(() => mergeSlices([slice(0, 2)])).toThrow('Layers 3-3 of 0-3 are missing');
    expect(() => mergeSlices([])).toThrow('no slices');
  });
});

test.each<[string, unknown, string]>([
  ['other JSON', [1], 'x.json is no slice of a measurement: make it with --measure-layers'],
  ['a whole measurement', measurementToJson({ modules: whole }), 'is no slice'],
  ['a module missing', { ...sliceJson(0, 1), measurement: sliceJson(0, 0).measurement }, 'damaged'],
  ['a module too many', { ...sliceJson(0, 0), measurement: sliceJson(0, 1).measurement }, 'damaged'],
  ['no candidates', { ...sliceJson(0, 0), measurement: { 'model.layers.0.mlp': [] } }, 'damaged'],
  ['layers that the model lacks', sliceJson(2, 3, { layers: 3 }), 'damaged'],
  ['no layers', { measurement: {}, slice: ORIGIN }, 'damaged'],
])('a file with %s is refused', (_, json, message) => {
  expect(() => readSlice(json, 'x.json')).toThrow(InputError);
  expect(() => readSlice(json, 'x.json')).toThrow(message);
});

test('layers outside of the model are refused', () => {
  const check = (last: number) => () => checkLayers(plan, { first: 1, last });
  expect(check(1)).not.toThrow();
  expect(check(2)).toThrow('Layers 1-2 are to be measured, but the model has 2 layers: 0-1.');
});

describe('the command', () => {
  const folder = mkdtempSync(join(tmpdir(), 'merge '));
  afterAll(() => rmSync(folder, { recursive: true }));
  const run = async (...args: string[]) => {
    const text: string[] = [];
    const code = await mergeCommand(args, {
      places: { cwd: folder, root: folder },
      out: { write: (line) => void text.push(line), columns: undefined, colors: false, now: () => 0 },
      writeError: (line) => void text.push(line),
      signal: new AbortController().signal,
    });
    return { code, text: text.join('') };
  };
  for (const [first, last] of [[0, 1] as const, [2, 3] as const])
    writeFileSync(join(folder, `${first}.json`), JSON.stringify(sliceJson(first, last)));

  test('writes the measurement, and replaces no file unless told to', async () => {
    const output = join(folder, 'm.json');
    expect(await run('2.json', '0.json', '-o', 'm.json')).toEqual({ code: 0, text: `${output}\n` });
    const expected = `${JSON.stringify(measurementToJson({ modules: whole }), null, 2)}\n`;
    expect(readFileSync(output, 'utf8')).toBe(expected);
    writeFileSync(output, 'mine');
    const refused = await run('0.json', '2.json', '-o', 'm.json');
    expect(refused.code).toBe(1);
    expect(refused.text).toContain('m.json is there already: choose another name, or give --overwrite.');
    expect(readFileSync(output, 'utf8')).toBe('mine');
    expect((await run('0.json', '2.json', '-o', 'm.json', '--overwrite')).code).toBe(0);
    expect(readFileSync(output, 'utf8')).toBe(expected);
  });

  test.each<[string[], string]>([
    [['0.json', '-o', 'x.json'], 'Layers 2-3 of 0-3 are missing'],
    [['0.json', 'missing.json', '-o', 'x.json'], 'There is no file'],
    [['-o', 'x.json'], 'There are no slices to join'],
    [['0.json'], 'output'],
    [['0.json', '-o', 'x.json', '--bits', '4'], 'bits'],
  ])('%o is refused', async (args, message) => {
    const { code, text } = await run(...args);
    expect(code).toBe(1);
    expect(text).toContain(message);
  });

  test('explains itself', async () => {
    expect((await run('--help')).text).toContain('npm run merge-measurements -- SLICE… -o FILE');
  });
});
