import { expect, test } from 'vitest';
import { dampingOf } from '../../src/gptq/damping.ts';

test('ExLlamaV2 adds a share of the mean, whoever it belongs to', () => {
  expect(dampingOf('exllamav2', [1, 2, 3])).toEqual({ ratio: 0, constant: 0.24 });
  expect(dampingOf('exllamav2', [1e6, 1, 1, 1]).constant).toBeCloseTo(0.12 * 250_000.75);
  expect(dampingOf('exllamav2', [0, 0])).toEqual({ ratio: 0, constant: 1e-5 });
});

test('the refined quantizer is not moved by a few loud inputs', () => {
  const quiet = Array.from({ length: 99 }, () => 2);
  const { ratio, constant } = dampingOf('refined', [...quiet, 2]);
  expect(ratio).toBe(0.2);
  expect(constant).toBeCloseTo(0.05 * 2);
  const loud = dampingOf('refined', [...quiet, 2e6]);
  expect(loud.ratio).toBe(ratio);
  expect(loud.constant / constant).toBeLessThan(1.2);
});

test('inputs that calibration never reached take no part in the mean, and are damped all the same', () => {
  expect(dampingOf('refined', [0, 4, 0, 4]).constant).toBeCloseTo(0.05 * 4);
  expect(dampingOf('refined', [0, 0])).toEqual({ ratio: 0.2, constant: 1e-5 });
});
