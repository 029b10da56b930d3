/** The lessons' numbers are those of the reference and of the engine. */

import { beforeAll, describe, expect, test } from 'vitest';
import { totalBits } from '../../src/exl2/groups.ts';
import { actOrder } from '../../src/gptq/factor.ts';
import { openModelDirectory } from '../../src/io/model/model-directory.ts';
import { nodeModelDirectory } from '../../src/io/platform/node/node-model-directory.ts';
import { LESSON_COLUMN, LESSON_LINEAR, TRAP_COUNTS } from '../../src/learn/data/lesson-facts.ts';
import { marks } from '../../src/learn/data/ruler-data.ts';
import { STORY } from '../../src/learn/data/story.ts';
import { type SweepData, type SweepSettings, sweepAt } from '../../src/learn/data/sweep-data.ts';
import { addToHessian, outputChange, power, type TextData } from '../../src/learn/data/text-data.ts';
import type { TrapPoint } from '../../src/learn/data/trap-data.ts';
import { meanHessian, outputPower, sweepFactor } from '../../src/learn/hessian.ts';
import type { Lesson } from '../../src/learn/lesson.ts';
import { evenGroups, inOrder, sweep } from '../../src/learn/sweep.ts';
import { roundingError, trapCurve } from '../../src/learn/trap.ts';
import { planOriginal } from '../../src/model/check/plan-original.ts';
import { quantizeLinear } from '../../src/reference/gptq/quantize-linear.ts';
import { refinedScales } from '../../src/reference/gptq/refined-scales.ts';
import { gram } from '../../src/reference/linalg/product.ts';
import { referenceForward } from '../../src/reference/model.ts';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.ts';
import { BUNDLED, openLesson, readMixFile } from '../support/lesson.ts';

const SETTINGS: SweepSettings = { bits: 3, groupSize: 32, compensate: true, actOrder: true };

let lesson: Lesson;
let text: TextData;
let h: Float64Array;

beforeAll(async () => {
  lesson = await openLesson();
  text = lesson.read(STORY);
  h = meanHessian(text.x, text.k);
});

test('the input of the first linears is what the reference’s forward pass gives them', async () => {
  const source = await openModelDirectory(nodeModelDirectory(BUNDLED));
  const { plan } = await planOriginal(source, {});
  const tokenizer = await loadTokenizer(nodeModelDirectory(BUNDLED));
  const ids = [tokenizer.bosId!, ...tokenizer.encode('The red boat.')];
  const weights = new Map<string, Float32Array>();
  for (const name of source.names()) weights.set(name, (await source.readFloat(name)).data);
  const { modules } = referenceForward(
    { ...plan, modules: plan.modules.slice(0, 1) },
    (name) => weights.get(name)!,
    ids,
  );
  const expected = modules[0]!.inputs.get('postNorm')!;
  const { x, tokens } = lesson.read('The red boat.');
  expect(tokens).toEqual(['begin', 'The', ' red', ' boat', '.']);
  for (const [i, value] of expected.entries()) expect(x[i]).toBeCloseTo(value, 5);
  // And the columns are the linear's own.
  const q = weights.get('model.layers.0.self_attn.q_proj.weight')!;
  const n = LESSON_LINEAR.end - LESSON_LINEAR.start;
  expect(lesson.weight[5 * n + 7]).toBe(q[(LESSON_LINEAR.start + 7) * text.k + 5]);
});

test('a long text is cut, an empty one refused', async () => {
  const long = 'once '.repeat(300);
  const tokenizer = await loadTokenizer(nodeModelDirectory(BUNDLED));
  const { tokens, left } = lesson.read(long);
  expect(tokens).toHaveLength(256);
  expect(left).toBe(1 + tokenizer.encode(long.trim()).length - 256);
  expect(() => lesson.read('  ')).toThrow('The text is empty');
});

test('the Hessian is Σ xᵀx, symmetric, whether summed at once or token by token', () => {
  const { x, k } = text;
  const tokens = x.length / k;
  const expected = gram(x, tokens, k);
  const sum = new Float64Array(k * k);
  addToHessian(sum, text, 0, 40);
  addToHessian(sum, text, 40, tokens);
  for (let i = 0; i < k * k; i += 997) {
    expect(sum[i]).toBeCloseTo(expected[i]!, 6);
    expect(h[i]! * tokens).toBeCloseTo(expected[i]!, 6);
  }
  expect(h[3 * k + 200]).toBe(h[200 * k + 3]);
});

test('the order is the engine’s act-order', () => {
  const diagonal = Array.from({ length: text.k }, (_, i) => h[i * (text.k + 1)]!);
  expect(sweepFactor(h, text.k, true).order).toEqual(actOrder(diagonal));
});

describe.each([
  ['with act-order', SETTINGS],
  ['in the order of the inputs', { ...SETTINGS, actOrder: false }],
])('the sweep %s', (_, settings) => {
  let data: SweepData;
  beforeAll(() => {
    data = lesson.sweep(text, settings);
  });

  test('gives the codes and scales of the reference', () => {
    const { k } = text;
    const { order, u } = sweepFactor(h, k, settings.actOrder);
    const weight = inOrder(lesson.weight, order, data.n);
    const expected = quantizeLinear(weight, u, data.n, evenGroups(k, 3, 32), refinedScales);
    expect(data.codes).toEqual(expected.codes);
    expect(data.scaleCodes).toEqual(expected.scaleCodes);
    expect(data.units).toEqual(expected.scaleMax);
  });

  test.each([0, 1, 40, 256])('after %i rows the state is worth the loss that is told', (rows) => {
    const { k } = text;
    const { hessian } = sweepFactor(h, k, settings.actOrder);
    const { now } = sweepAt(data, rows, sweepAt(data, Math.floor(rows / 2)));
    const difference = now.map((value, i) => value - data.weight[i]!);
    const loss = Math.sqrt(outputPower(difference, hessian, k) / outputPower(data.weight, hessian, k));
    expect(data.losses[rows]).toBeCloseTo(loss, 4);
  });

  test('ends at the values of its codes', () => {
    expect(sweepAt(data, text.k).now).toEqual(data.values);
  });
});

test('plain rounding moves nothing but the row itself, and its losses add up', () => {
  const data = lesson.sweep(text, { ...SETTINGS, compensate: false, actOrder: false });
  const { now } = sweepAt(data, 100);
  expect(now.subarray(100 * data.n)).toEqual(data.weight.subarray(100 * data.n));
  const difference = now.map((value, i) => value - data.weight[i]!);
  const loss = Math.sqrt(outputPower(difference, h, text.k) / outputPower(data.weight, h, text.k));
  expect(data.losses[100]).toBeCloseTo(loss, 4);
});

test('columns are independent: what one is changes nothing in another', () => {
  const { k } = text;
  const n = 32;
  const own = Float32Array.from(
    { length: k * 2 },
    (_, i) => lesson.weight[Math.floor(i / 2) * n + 4 + (i % 2)]!,
  );
  const both = sweep(own, h, k, { ...SETTINGS, groupSize: 256, bits: 8 });
  const first = sweepAt(both, 10);
  const changed = own.map((value, i) => (i % 2 === 1 ? value * 0.9 : value));
  const weight = Float32Array.from(inOrder(changed, both.order, 2));
  const second = sweepAt({ ...both, weight }, 10);
  for (let i = 10; i < k; i++) expect(second.now[i * 2]).toBeCloseTo(first.now[i * 2]!, 6);
});

test('a change of two correlated rows cancels as the off-diagonal of H says', () => {
  const { k } = text;
  const [a, b] = [17, 40];
  const best = -h[a * k + b]! / h[b * k + b]!;
  const of = (amount: number) =>
    power(
      outputChange(text, [
        { feature: a, amount: 1 },
        { feature: b, amount },
      ]),
    );
  const alone = of(0);
  expect(of(best)).toBeLessThan(alone);
  expect(of(best)).toBeLessThan(of(best + 0.01));
  expect(of(best)).toBeLessThan(of(best - 0.01));
  const share = 1 - h[a * k + b]! ** 2 / (h[a * k + a]! * h[b * k + b]!);
  expect(of(best) / alone).toBeCloseTo(share, 6);
});

describe('the ruler', () => {
  test.each([2, 3, 8] as const)('of %i bits has every weight on one of its marks', (bits) => {
    const { groups, weight, values } = lesson.ruler(bits, 32);
    expect(groups).toHaveLength(8);
    for (const group of groups) {
      expect(marks(group)).toHaveLength(2 ** bits);
      expect(group.scale).toBeCloseTo((group.scaleCode ** 2 / 256) * group.unit, 4);
      for (let row = group.start; row < group.end; row++) {
        const nearest = marks(group).reduce((best, mark) =>
          Math.abs(mark - weight[row]!) < Math.abs(best - weight[row]!) ? mark : best,
        );
        expect(Math.abs(values[row]! - nearest)).toBeLessThanOrEqual(Math.abs(nearest) / 1024);
      }
    }
  });

  test('counts bits as the engine does', () => {
    const bits = totalBits(256, 256, [{ bits: 3, proportion: 1, groupSize: 32 }], false);
    expect(lesson.ruler(3, 32).bitsPerWeight).toBe(bits / 65536);
  });

  test('small groups fit better and cost more', () => {
    const sizes = [32, 128, 256].map((size) => lesson.ruler(3, size));
    const errors = sizes.map(({ error }) => error);
    expect(errors).toEqual(errors.toSorted((a, b) => a - b));
    const bits = sizes.map(({ bitsPerWeight }) => bitsPerWeight);
    expect(bits).toEqual(bits.toSorted((a, b) => b - a));
    expect(lesson.weight.length).toBe(256 * 32);
    expect(LESSON_COLUMN).toBeLessThan(32);
  });

  test('a bit less makes the error about twice as large', () => {
    for (const bits of [6, 5, 4, 3] as const) {
      const ratio = lesson.ruler((bits - 1) as 5, 32).error / lesson.ruler(bits, 32).error;
      expect(ratio).toBeGreaterThan(1.6);
      expect(ratio).toBeLessThan(2.6);
    }
  });
});

test('the trap: with more tokens the error on them rises, and on other text it falls', () => {
  const input = lesson.trapInput(readMixFile());
  expect(input.seen.length).toBe(TRAP_COUNTS.at(-1)! * 256);
  const [few, some, many] = [...trapCurve({ ...input, counts: [64, 1024, 8192] })] as TrapPoint[] & {
    0: TrapPoint;
    1: TrapPoint;
    2: TrapPoint;
  };
  expect(few.seen).toBeLessThan(some.seen);
  expect(some.seen).toBeLessThan(many.seen);
  expect(few.unseen).toBeGreaterThan(some.unseen);
  expect(some.unseen).toBeGreaterThan(many.unseen);
  // The number on few tokens tells less than a third of the truth; with many both tell the same.
  expect(few.unseen / few.seen).toBeGreaterThan(3);
  expect(many.unseen / many.seen).toBeLessThan(1.1);
  expect(roundingError(input)).toBeGreaterThan(few.unseen);
});
