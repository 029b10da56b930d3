/** The least GPU memory of a conversion, as it is planned for 2048 tokens a row. */

import { expect, test } from 'vitest';
import { gpuNeed, measuringNeed, measuringPartNeed } from '../../src/estimate/gpu-need.ts';
import { slicedHeadNeed, wholeHeadNeed } from '../../src/estimate/head-need.ts';
import { headParams } from '../../src/exl2/candidates.ts';
import { QUANTIZERS } from '../../src/job/settings.ts';
import type { LinearSpec } from '../../src/model/spec.ts';
import { llamaPlan } from '../support/llama-plan.ts';

const WIDE = { layers: 1, kvHeads: 8, vocab: 128256 };
const LLAMA_8B = { ...WIDE, hidden: 4096, intermediate: 14336, heads: 32 };
const LLAMA_70B = { ...WIDE, hidden: 8192, intermediate: 28672, heads: 64 };
const LLAMA_405B = { ...WIDE, hidden: 16384, intermediate: 53248, heads: 128 };
/** Its hidden size and vocabulary; its heads have another size. */
const GEMMA_27B = { ...WIDE, hidden: 5376, intermediate: 21504, heads: 42, kvHeads: 14, vocab: 262208 };

const measurement = { rows: 19, length: 2048 };
const quantization = { rows: 115, length: 2048 };
const quantizer = QUANTIZERS.refined;
const halves = ({ k, n }: LinearSpec): number => 2 * k * n;

test.each([
  ['Llama 8B', LLAMA_8B, 3e9],
  ['Llama 70B', LLAMA_70B, 10e9],
  ['Llama 405B', LLAMA_405B, 32e9],
  ['Gemma 27B', GEMMA_27B, 6e9],
])('a layer of %s and its head', (_, sizes, most) => {
  const { bytes } = gpuNeed(
    llamaPlan(sizes),
    headParams(6),
    { measurement, quantization },
    quantizer,
    halves,
  );
  expect(bytes).toBeLessThan(most);
});

test('a head slice by slice takes a fraction of what it takes at once, whatever its settings', () => {
  const plan = llamaPlan(GEMMA_27B);
  const whole = wholeHeadNeed(plan, 2048, quantizer);
  for (const bits of [2, 8] as const) {
    const sliced = slicedHeadNeed(plan, 2048, headParams(bits), quantizer, halves(plan.head));
    expect(sliced).toBeLessThan(whole / 5);
    // Of the weight in f32 a slice is a tenth.
    expect(sliced).toBeGreaterThan(2 * 2 ** 29);
  }
});

test('fewer candidates at a time take less, and all of them what a measurement is planned with', () => {
  const plan = llamaPlan(LLAMA_70B);
  const [, mlp] = plan.modules;
  const need = (to: number) => measuringPartNeed(plan, mlp!, measurement, quantizer, { from: 0, to });
  const needs = [1, 2, 5, 10, 21].map(need);
  expect(needs).toEqual(needs.toSorted((a, b) => a - b));
  expect(needs.at(-1)).toBe(measuringNeed(plan, measurement, quantizer));
});
