import { describe, expect, test } from 'vitest';
import { finerSettings, SMALLEST_SETTING } from '../../src/exl2/finer-settings.ts';
import { resolveGroups, totalBits } from '../../src/exl2/groups.ts';
import { parseParams, type QuantParams } from '../../src/exl2/params.ts';
import { errorOfSum, fitErrorModel, fitErrorWeights } from '../../src/measure/error-model.ts';
import { frontier, type LinearOption } from '../../src/measure/frontier.ts';
import { candidatesOf } from '../../src/measurement/module-candidates.ts';
import { seededRandom } from '../../src/util/random.ts';
import { llamaPlan } from '../support/llama-plan.ts';

describe('finer settings', () => {
  test.each([32, 256, 4096])('k %i: each covers all rows, and no two have the same groups', (k) => {
    const settings = finerSettings(k, []);
    const groups = settings.map((params) => JSON.stringify(resolveGroups(k, params)));
    expect(new Set(groups).size).toBe(groups.length);
    expect(settings[0]).toEqual(SMALLEST_SETTING);
  });

  test('bits grow from setting to setting, by no more than one bit', () => {
    const bits = finerSettings(4096, []).map((params) => totalBits(4096, 4096, params, false) / 4096 ** 2);
    expect(bits).toHaveLength(10);
    for (const [i, value] of bits.entries()) {
      if (i === 0) continue;
      expect(value - bits[i - 1]!).toBeGreaterThan(0.2);
      expect(value - bits[i - 1]!).toBeLessThanOrEqual(1 + 1e-9);
    }
  });

  test('those that there are already are left out', () => {
    const all = finerSettings(256, []);
    const others = [parseParams('1:4b_32g'), parseParams('1:8b_128g')];
    expect(finerSettings(256, others)).toEqual(
      all.filter((params) => params.length > 1 || params[0]!.bits !== 4),
    );
  });
});

describe('weights of the linears in the error', () => {
  const random = seededRandom(3);
  const weights = [0.4, 0.05, 1.3];
  const losses = Array.from({ length: 19 }, (_, trial) =>
    weights.map(() => (0.2 + random()) * 4 ** (-trial / 4)),
  );
  const errorOf = (row: readonly number[]) =>
    Math.sqrt(row.reduce((sum, loss, i) => sum + loss * weights[i]!, 0));

  test('are found where squares add', () => {
    const found = fitErrorWeights(losses, losses.map(errorOf));
    // The pull towards equal shares moves them a little.
    found.forEach((weight, i) => {
      expect(weight).toBeGreaterThan(weights[i]! * 0.9);
      expect(weight).toBeLessThan(weights[i]! * 1.1 + 0.02);
    });
  });

  test('linears that all trials treat alike share their part', () => {
    const alike = losses.map(([a, b]) => [a!, a!, b!]);
    const [one, other] = fitErrorWeights(
      alike,
      alike.map(([a, , b]) => Math.sqrt(a! + 0.5 * b!)),
    );
    expect(one! / other!).toBeCloseTo(1, 4);
    expect(one! + other!).toBeCloseTo(1, 1);
  });

  test('are finite where a trial has no error, where a linear loses nothing, and where nothing errs at all', () => {
    const quiet = losses.map(([a, , b]) => [a!, 0, b!]);
    const errors = quiet.map(([a, , b], trial) => (trial === 4 ? 0 : Math.sqrt(0.4 * a! + 1.3 * b!)));
    const [first, silent, last] = fitErrorWeights(quiet, errors);
    expect(silent).toBe(0);
    expect(first! / 0.4).toBeGreaterThan(0.8);
    expect(last! / 1.3).toBeGreaterThan(0.8);
    expect(
      fitErrorWeights(
        quiet,
        quiet.map(() => 0),
      ),
    ).toEqual([0, 0, 0]);
  });

  test('are never negative', () => {
    // The second linear seems to make errors smaller.
    const errors = losses.map(([a, b]) => Math.sqrt(Math.max(1e-4, 2 * a! - 0.5 * b!)));
    for (const weight of fitErrorWeights(losses, errors)) expect(weight).toBeGreaterThanOrEqual(0);
  });
});

describe('the error of a module', () => {
  const losses = [[1], [0.25], [0.01]];
  const errorsOf = (bend: number) =>
    losses.map(([loss]) => Math.sqrt(0.04 * loss! * (1 + bend * 0.04 * loss!)));

  test.each([0, 8, -3])('grows as the largest trial tells: bend %i', (bend) => {
    const errors = errorsOf(bend);
    const model = fitErrorModel(losses, errors);
    expect(errorOfSum(model, model.weights[0]!)).toBeCloseTo(errors[0]!, 9);
    // The weight is that of the trials together, so small sums follow roughly.
    const small = errorOfSum(model, model.weights[0]! * 0.01) / errors[2]!;
    expect(small).toBeGreaterThan(0.9);
    expect(small).toBeLessThan(1.1);
  });

  test('still grows with every loss when the largest trial errs far less than the others say', () => {
    const model = fitErrorModel(losses, [0.02, 0.1, 0.02]);
    const predicted = losses.map(([loss]) => errorOfSum(model, model.weights[0]! * loss!));
    expect(predicted).toEqual(predicted.toSorted((a, b) => b - a));
  });

  test('is zero where nothing errs', () => {
    const model = fitErrorModel(losses, [0, 0, 0]);
    expect(errorOfSum(model, 0)).toBe(0);
  });
});

describe('the frontier of a module', () => {
  const params = (bits: 2 | 3 | 4): QuantParams => [{ bits, proportion: 1, groupSize: 32 }];
  const option = (bits: 2 | 3 | 4, part: number, cost: number = bits): LinearOption => ({
    params: params(bits),
    bits: cost,
    part,
  });
  const points = frontier(
    new Map([
      ['a', [option(2, 16), option(3, 4), option(4, 1)]],
      // Its middle option is worse than what lies between the others.
      ['b', [option(4, 0.5, 40), option(3, 9, 30), option(2, 10, 20)]],
    ]),
  );

  test('takes what gains most for its bits first, and leaves out what is above the hull', () => {
    const taken = points.map((point) => `${point['a']![0]!.bits}${point['b']![0]!.bits}`);
    expect(taken).toEqual(['22', '32', '42', '44']);
  });

  test('an option that costs as much and errs more is never taken', () => {
    const [point, ...others] = frontier(new Map([['a', [option(3, 5, 2), option(2, 4, 2)]]]));
    expect(others).toEqual([]);
    expect(point!['a']).toEqual(params(2));
  });
});

test('the refined measurement tries the tables, the smallest of all, and each linear by itself', () => {
  const plan = llamaPlan({ hidden: 256, intermediate: 512, layers: 1, heads: 8, kvHeads: 8, vocab: 512 });
  for (const module of plan.modules) {
    const table = candidatesOf(module, 'exllamav2');
    const tried = candidatesOf(module, 'refined');
    expect(tried.slice(0, table.length)).toEqual(table);
    const [smallest, ...alone] = tried.slice(table.length);
    expect(Object.values(smallest!)).toEqual(module.linears.map(() => SMALLEST_SETTING));
    const differing = alone.map((candidate) =>
      module.linears.map(({ name }) => name).filter((name) => candidate[name] !== table.at(-1)![name]),
    );
    expect(differing).toEqual(module.linears.map(({ name }) => [name]));
  }
});
