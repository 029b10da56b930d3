import { expect, test } from 'vitest';
import { presetShapes } from '../../src/calibrate/preset.ts';
import { estimateWork, totalWork } from '../../src/estimate/work-estimate.ts';
import { QUANTIZERS } from '../../src/job/settings.ts';
import { parameterCount } from '../../src/model/sizes.ts';
import { llamaPlan } from '../support/llama-plan.ts';

const standard = { quantizer: QUANTIZERS.exllamav2, ...presetShapes('standard', false, 0) };
const tokens = (shape: { rows: number; length: number }) => shape.rows * shape.length;

const small = llamaPlan({
  hidden: 2048,
  intermediate: 8192,
  layers: 16,
  heads: 32,
  kvHeads: 8,
  vocab: 128_256,
});
const large = llamaPlan({
  hidden: 8192,
  intermediate: 28_672,
  layers: 80,
  heads: 64,
  kvHeads: 8,
  vocab: 128_256,
});

test('measuring is at least every linear run once for each of about twenty candidates, and not thrice that', () => {
  for (const plan of [small, large]) {
    const weights = plan.modules.flatMap(({ linears }) => linears).reduce((sum, { k, n }) => sum + k * n, 0);
    const runs =
      totalWork(estimateWork(plan, standard).measure) / (2 * tokens(standard.measurement) * weights);
    expect(runs).toBeGreaterThan(12);
    expect(runs).toBeLessThan(60);
  }
});

test('quantizing is two passes over all rows, with Hessians and one sweep, and not thrice that', () => {
  for (const plan of [small, large]) {
    const once = 2 * tokens(standard.quantization) * parameterCount(plan);
    const passes = totalWork(estimateWork(plan, standard).quantize) / once;
    expect(passes).toBeGreaterThan(2);
    expect(passes).toBeLessThan(6);
  }
});

test('a 1 B model takes minutes and a 70 B one hours at 10 TFLOP/s', () => {
  const minutes = (plan: typeof small) => {
    const { measure, quantize } = estimateWork(plan, standard);
    return (totalWork(measure) + totalWork(quantize)) / 10e12 / 60;
  };
  expect(minutes(small)).toBeGreaterThan(2);
  expect(minutes(small)).toBeLessThan(30);
  expect(minutes(large)).toBeGreaterThan(120);
  expect(minutes(large)).toBeLessThan(24 * 60);
});

test('fewer rows are less work, in proportion where the rows are most of it', () => {
  const half = {
    quantizer: standard.quantizer,
    measurement: { ...standard.measurement, rows: Math.ceil(standard.measurement.rows / 2) },
    quantization: { ...standard.quantization, rows: Math.ceil(standard.quantization.rows / 2) },
  };
  const [all, fewer] = [estimateWork(large, standard), estimateWork(large, half)];
  expect(totalWork(fewer.measure)).toBeLessThan(totalWork(all.measure));
  const share = totalWork(fewer.quantize) / totalWork(all.quantize);
  expect(share).toBeGreaterThan(0.45);
  expect(share).toBeLessThan(0.75);
});

test('matrix units may do most of the work, but not factorizations, sweeps and attention', () => {
  const share = (plan: typeof small) => {
    const { mixed, f32 } = estimateWork(plan, standard).quantize;
    return mixed / (mixed + f32);
  };
  for (const plan of [small, large]) {
    expect(share(plan)).toBeGreaterThan(0.6);
    expect(share(plan)).toBeLessThan(0.98);
  }
});
