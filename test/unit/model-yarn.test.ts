import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/model/config/config.ts';
import { inverseFrequencies, ropeTables } from '../../src/model/config/rope.ts';
import { InputError } from '../../src/util/errors.ts';
import { outputConfig } from '../../src/write/output-config.ts';

const base = {
  ...{ architectures: ['LlamaForCausalLM'], hidden_size: 128, intermediate_size: 192, head_dim: 32 },
  ...{ num_hidden_layers: 1, num_attention_heads: 4, num_key_value_heads: 2, vocab_size: 320 },
  ...{ rms_norm_eps: 1e-6, rope_theta: 1e4 },
};
const yarn = (context: number, scaling: object, more: object = {}) =>
  parseConfig({
    ...{ ...base, max_position_embeddings: context, ...more },
    rope_scaling: { rope_type: 'yarn', ...scaling },
  });
const ropeOf = (...given: Parameters<typeof yarn>) => yarn(...given).rope;

// Computed by transformers 5.24 in f32: frequencies of 16 pairs, and the factor on cos and sin.
const PUBLISHED = [
  {
    ...{ context: 256, scaling: { factor: 4, original_max_position_embeddings: 64 } },
    amplitude: 1.138629436111989,
    frequencies: [
      1, 0.4779901, 0.2213594, 0.09780537, 0.04, 0.01405853, 0.007905695, 0.004445699, 0.0025, 0.001405853,
      0.0007905695, 0.0004445699, 0.00025, 0.0001405853, 7.905695e-5, 4.445699e-5,
    ],
  },
  {
    ...{ context: 2048, scaling: { factor: 8, mscale: 0.7, mscale_all_dim: 1 } },
    amplitude: 0.9483558523503399,
    frequencies: [
      1, 0.5623413, 0.3162278, 0.1778279, 0.1, 0.04920486, 0.02371708, 0.01111425, 0.005, 0.00210878,
      0.0007905695, 0.0002222849, 0.000125, 7.029266e-5, 3.952847e-5, 2.222849e-5,
    ],
  },
  {
    ...{ context: 4096, scaling: { factor: 8, truncate: false, original_max_position_embeddings: 512 } },
    amplitude: 1.2079441541679836,
    frequencies: [
      1, 0.5623413, 0.2989363, 0.1422597, 0.06546508, 0.02864096, 0.01151012, 0.003888166, 0.00125,
      0.0007029267, 0.0003952847, 0.0002222849, 0.000125, 7.029266e-5, 3.952847e-5, 2.222849e-5,
    ],
  },
];

describe('YaRN', () => {
  test.each(PUBLISHED)('$scaling gives what transformers computes', ({ context, scaling, ...expected }) => {
    const rope = ropeOf(context, scaling);
    for (const [i, own] of inverseFrequencies(rope).entries())
      expect(own / expected.frequencies[i]!).toBeCloseTo(1, 6);
    expect(rope.yarn!.amplitude).toBeCloseTo(expected.amplitude, 14);
  });

  test('keeps pairs that turn often within the original context, and slows those down that turn seldom', () => {
    const [original, factor, fast, slow] = [4096, 8, 32, 1];
    const stated = { factor, original_max_position_embeddings: original, truncate: false };
    const own = inverseFrequencies(ropeOf(32768, stated, { head_dim: 128 }));
    const plain = inverseFrequencies({ ...ropeOf(32768, stated, { head_dim: 128 }), yarn: undefined });
    const kinds = { kept: 0, between: 0, slowed: 0 };
    let last = 1;
    for (const [i, frequency] of plain.entries()) {
      const turns = (original * frequency) / (2 * Math.PI);
      const ratio = own[i]! / frequency;
      kinds[turns > fast ? 'kept' : turns < slow ? 'slowed' : 'between']++;
      if (turns > fast) expect(ratio).toBeCloseTo(1, 12);
      else if (turns < slow) expect(ratio).toBeCloseTo(1 / factor, 12);
      else expect(ratio).toBeLessThan(last);
      last = ratio;
    }
    expect(Math.min(...Object.values(kinds))).toBeGreaterThan(5);
  });

  test('takes turns and the factor on cos and sin where they are stated', () => {
    const rope = ropeOf(256, {
      ...{ factor: 4, original_max_position_embeddings: 64, beta_fast: 8, beta_slow: 2 },
      attention_factor: 0.5,
    });
    expect(rope.yarn).toEqual({ factor: 4, first: 0, last: 3, amplitude: 0.5 });
    expect(ropeTables(rope, 1).cos[0]).toBe(0.5);
    const none = ropeOf(256, { factor: 4, original_max_position_embeddings: 64, beta_fast: 0 });
    expect(none.yarn!.last).toBe(ropeOf(256, PUBLISHED[0]!.scaling).yarn!.last);
  });

  test('without a factor has that of the contexts; an original one beside it counts more', () => {
    expect(ropeOf(256, { original_max_position_embeddings: 64, factor: null }).yarn!.factor).toBe(4);
    const beside = { original_max_position_embeddings: 128 };
    expect(ropeOf(256, { original_max_position_embeddings: 64 }, beside).yarn!.factor).toBe(2);
    expect(ropeOf(256, { factor: 0.5 }).yarn).toMatchObject({ factor: 0.5, amplitude: 1 });
    expect(() => ropeOf(256, { factor: -1 })).toThrow(InputError);
  });

  test('is written with both numbers that ExLlamaV2 demands, under one name of its kind', () => {
    const written = (scaling: object, more?: object) =>
      outputConfig(yarn(256, scaling, more))['rope_scaling'];
    expect(written({ type: 'yarn', factor: 4 })).toEqual({
      ...{ type: 'yarn', factor: 4, original_max_position_embeddings: 256 },
    });
    expect(written({ original_max_position_embeddings: 64, beta_fast: 16 })).toEqual({
      ...{ type: 'yarn', factor: 4, original_max_position_embeddings: 64, beta_fast: 16 },
    });
    expect(written({ factor: 2 }, { original_max_position_embeddings: 32 })).toMatchObject({
      original_max_position_embeddings: 32,
    });
  });
});
