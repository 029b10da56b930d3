/** The data that `npm run build:lessons` made agree with what the engine and the reference compute. */

import { readFileSync, statSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { resolveGroups, totalBits } from '../../src/exl2/groups.ts';
import { parseParams } from '../../src/exl2/params.ts';
import { openModelDirectory } from '../../src/io/model/model-directory.ts';
import { nodeModelDirectory } from '../../src/io/platform/node/node-model-directory.ts';
import { expectations, widestPosition } from '../../src/learn/data/cost.ts';
import { moduleName, recipe } from '../../src/learn/data/menu.ts';
import { packedWords } from '../../src/learn/data/packed.ts';
import { equalChoice, menuOf, sumOf, weightsOf } from '../../src/learn/data/share.ts';
import type { StoredMeasurement, StoredOutputs } from '../../src/learn/data/stored-lessons.ts';
import { candidatesOf } from '../../src/measurement/module-candidates.ts';
import { planOriginal } from '../../src/model/check/plan-original.ts';
import type { ModelPlan } from '../../src/model/spec.ts';
import { referenceForward } from '../../src/reference/model.ts';
import { packCodes } from '../../src/reference/pack/bit-stream.ts';
import { loadTokenizer, type Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { BUNDLED, readMixFile } from '../support/lesson.ts';

const FILES = ['measurement', 'outputs'].map((name) => `public/lessons/${name}.json`);
const [measurement, outputs] = FILES.map((path) => JSON.parse(readFileSync(path, 'utf8')) as unknown) as [
  StoredMeasurement,
  StoredOutputs,
];

let plan: ModelPlan;
let weights: Map<string, Float32Array>;
let tokenizer: Tokenizer;

beforeAll(async () => {
  const source = await openModelDirectory(nodeModelDirectory(BUNDLED));
  plan = (await planOriginal(source, {})).plan;
  tokenizer = await loadTokenizer(nodeModelDirectory(BUNDLED));
  weights = new Map();
  for (const name of source.names()) weights.set(name, (await source.readFloat(name)).data);
});

test('both files together are small, and tell when and on what they were made', () => {
  expect(FILES.reduce((sum, path) => sum + statSync(path).size, 0)).toBeLessThan(300_000);
  for (const { made } of [measurement, outputs]) {
    expect(made.date).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(made.model).toBe('tinystories-7m');
    expect(made.machine).not.toContain('/');
  }
});

describe('the measurement', () => {
  test('has every module, every candidate that the engine tries, and bits as the engine counts them', () => {
    expect(measurement.modules.map(({ key }) => key)).toEqual(plan.choices.map(({ key }) => key));
    for (const [i, module] of measurement.modules.entries()) {
      const tried = candidatesOf(plan.choices[i]!, 'refined');
      expect(module.candidates.length).toBeGreaterThanOrEqual(tried.length);
      for (const candidate of module.candidates) {
        const bits = module.linears.map(({ k, n }, l) =>
          totalBits(k, n, parseParams(measurement.settings[candidate.settings[l]!]!), false),
        );
        expect(candidate.bits).toBe(bits.reduce((a, b) => a + b));
        expect(candidate.error).toBeGreaterThan(0);
      }
    }
  });

  test('is told as recipes: shares of the rows as the groups have them', () => {
    const module = measurement.modules[0]!;
    const mixed = module.candidates.findIndex(({ settings }) =>
      measurement.settings[settings[0]!]!.startsWith('0.1:4b_128g'),
    );
    const { linears, bitsPerWeight, starved } = recipe(measurement, module, mixed);
    // A tenth of 256 rows takes a whole group of 128.
    expect(linears[0]!.parts).toEqual([
      { bits: 4, share: 0.5 },
      { bits: 3, share: 0.5 },
    ]);
    expect(resolveGroups(256, parseParams(linears[0]!.setting))).toHaveLength(2);
    expect(bitsPerWeight).toBe(module.candidates[mixed]!.bits / weightsOf(module));
    expect(starved).toBeUndefined();
    expect(moduleName(module.key)).toBe('Layer 0, attention');
    expect(moduleName(measurement.modules[1]!.key)).toBe('Layer 0, MLP');
  });

  test('has menus on which more bits are less error, and equal shares that keep to the bits', () => {
    for (const module of measurement.modules) {
      const menu = menuOf(module).map((index) => module.candidates[index]!);
      expect(menu.length).toBeGreaterThan(10);
      for (const [i, { bits, error }] of menu.entries()) {
        if (i === 0) continue;
        expect(bits).toBeGreaterThan(menu[i - 1]!.bits);
        expect(error).toBeLessThan(menu[i - 1]!.error);
      }
    }
    for (const bits of [2.5, 3, 6]) {
      const { bitsPerWeight } = sumOf(measurement, equalChoice(measurement, bits));
      expect(bitsPerWeight).toBeLessThanOrEqual(bits);
      expect(bitsPerWeight).toBeGreaterThan(bits - 0.05);
    }
  });
});

describe('the outputs', () => {
  test('read tales that no calibration has', () => {
    const mix = readMixFile();
    const { texts, words } = outputs;
    expect(texts).toHaveLength(4);
    for (const ids of texts) {
      const text = tokenizer.decode(ids.slice(1));
      expect(
        ids
          .slice(1)
          .map((id) => words[id])
          .join('')
          .trim(),
      ).toBe(text.trim());
      expect(mix.heldOut.some((each) => each.category === 'tales' && each.text.startsWith(text.trim()))).toBe(
        true,
      );
      expect(mix.categories.tales.some((each) => each.text.includes(text.slice(0, 100)))).toBe(false);
    }
  });

  test('have the original’s probabilities as the reference computes them', () => {
    const ids = outputs.texts[0]!.slice(0, 24);
    const { logits } = referenceForward(plan, (name) => weights.get(name)!, ids);
    const vocabulary = logits.length / ids.length;
    for (let position = 0; position < ids.length - 1; position++) {
      const own = logits.subarray(position * vocabulary, (position + 1) * vocabulary);
      const powers = own.map(Math.exp);
      const sum = powers.reduce((a, b) => a + b);
      const { top, next, divergence } = outputs.outputs[0]!.views[0]![position]!;
      expect(top[0]![0]).toBe(own.indexOf(Math.max(...own)));
      for (const [id, probability] of top) expect(probability).toBeCloseTo(powers[id]! / sum, 3);
      expect(next).toBeCloseTo(powers[ids[position + 1]!]! / sum, 3);
      expect(divergence).toBe(0);
    }
  });

  test('have divergences that are at least those of the tokens that are kept', () => {
    const [original, ...others] = outputs.outputs;
    for (const { views } of others) {
      for (const [t, text] of views.entries()) {
        for (const [position, view] of text.entries()) {
          const before = original!.views[t]![position]!;
          const both = before.top.flatMap(([id, p]) => {
            const q = view.top.find(([other]) => other === id)?.[1];
            return q === undefined ? [] : [[p, q] as const];
          });
          const rest = [0, 1].map((which) =>
            Math.max(1e-9, 1 - both.reduce((sum, pair) => sum + pair[which]!, 0)),
          );
          const least = [...both, [rest[0]!, rest[1]!] as const].reduce(
            (sum, [p, q]) => sum + p * Math.log(p / q),
            0,
          );
          expect(view.divergence).toBeGreaterThan(least - 0.01);
        }
      }
    }
  });

  test('are told by the likeliest tokens of both and the one that came', () => {
    const [original, worst] = [outputs.outputs[0]!.views[0]!, outputs.outputs[1]!.views[0]!];
    const position = widestPosition(worst);
    expect(worst[position]!.divergence).toBe(Math.max(...worst.map(({ divergence }) => divergence)));
    const next = outputs.texts[0]![position + 1]!;
    const told = expectations([original[position]!, worst[position]!], next);
    expect(told.map(({ id }) => id)).toEqual(expect.arrayContaining([next, worst[position]!.top[0]![0]]));
    expect(told.find(({ id }) => id === next)).toMatchObject({
      original: original[position]!.next,
      own: worst[position]!.next,
    });
  });
});

test.each([2, 3, 4, 8] as const)('codes of %i bits are packed as the reference packs a column', (bits) => {
  const codes = Uint8Array.from({ length: 64 }, (_, i) => (i * 7 + (i >> 3)) % 2 ** bits);
  const expected = packCodes(codes, 1, [{ bits, start: 0, end: 64 }]);
  expect(packedWords(codes, bits)).toEqual([...expected]);
});
