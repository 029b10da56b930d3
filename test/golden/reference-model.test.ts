import { describe, expect, test } from 'vitest';
import type { ModelConfig } from '../../src/model/config/config.ts';
import { inverseFrequencies, type RopeTables, rotationTables } from '../../src/model/config/rope.ts';
import { type ReferenceForward, referenceForward } from '../../src/reference/model.ts';
import { f16BitsToF32, f32ToF16Bits } from '../../src/util/half.ts';
import {
  ARCHITECTURE_NAMES,
  architectureForward,
  architectureModel,
  type GoldenForward,
  nmse,
} from '../support/architectures.ts';

/** transformers computed in f32; against f64 that gives 2e-13 to 4e-13. */
const ROUNDING_LIMIT = 1e-12;
/** Its first models had been cast to f16 before, rotary frequencies included, which moves the states by 5e-8 to 3e-7. */
const HALF_FREQUENCIES_LIMIT = 1e-6;

const F32_FREQUENCIES: readonly string[] = ['yi', 'internlm2'];
const HALF_FREQUENCIES = new Set<string>(
  ARCHITECTURE_NAMES.filter((name) => !F32_FREQUENCIES.includes(name)),
);

/** The tables with the frequencies rounded to f16, as in the models that made the data. */
function halfTables({ rope }: ModelConfig, length: number): RopeTables {
  const halves = inverseFrequencies(rope).map((frequency) => f16BitsToF32(f32ToF16Bits(frequency)));
  return rotationTables(halves, rope.positionFactor, length);
}

function largestError(actual: ReferenceForward, expected: GoldenForward): number {
  expect(actual.hiddenStates).toHaveLength(expected.hiddenStates.length);
  const errors = actual.hiddenStates.map((state, i) => nmse(state, expected.hiddenStates[i]!));
  return Math.max(...errors, nmse(actual.logits, expected.logits));
}

describe.each(ARCHITECTURE_NAMES)('the reference forward pass of %s', (name) => {
  test('equals transformers at every layer', async () => {
    const [{ plan, weight }, golden] = await Promise.all([
      architectureModel(name),
      architectureForward(name),
    ]);
    const { ids } = golden;

    const own = largestError(referenceForward(plan, weight, ids), golden);
    if (!HALF_FREQUENCIES.has(name)) {
      expect(own).toBeLessThan(ROUNDING_LIMIT);
      return;
    }
    const likeData = referenceForward(plan, weight, ids, halfTables(plan.config, ids.length));
    expect(largestError(likeData, golden)).toBeLessThan(ROUNDING_LIMIT);
    expect(own).toBeLessThan(HALF_FREQUENCIES_LIMIT);
  });

  test('captures what each linear reads', async () => {
    const { plan, weight } = await architectureModel(name);
    const ids = [3, 1, 4, 1, 5];
    const { modules } = referenceForward(plan, weight, ids);
    expect(modules.map(({ key }) => key)).toEqual(plan.modules.map(({ key }) => key));
    for (const [i, module] of plan.modules.entries()) {
      for (const { input, k } of module.linears) {
        if (input.startsWith('preDown.')) continue; // as many as are routed there
        expect(modules[i]!.inputs.get(input), `${module.key} ${input}`).toHaveLength(ids.length * k);
      }
    }
  });
});
