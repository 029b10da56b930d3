import { expect, test } from 'vitest';
import { type LoadedModule, withPrecision } from '../../src/convert/capture.ts';
import type { HessianFactor } from '../../src/gptq/factor.ts';
import { hasMatrixUnits } from '../../src/gpu/device.ts';
import type { LinearInput } from '../../src/model/architectures/architecture.ts';

const FEATURES = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'];
const HALVES = { componentType: 'f16', resultComponentType: 'f32', M: 16, N: 16, K: 16 };

function adapter(features: readonly string[], configs: readonly object[] | undefined, size = 32) {
  const info = { subgroupMinSize: size, subgroupMaxSize: size, subgroupMatrixConfigs: configs };
  return { features: new Set(features), info } as unknown as GPUAdapter;
}

test('matrix units are used when their size and types are those of the kernel', () => {
  expect(hasMatrixUnits(adapter(FEATURES, [{ ...HALVES, M: 8 }, HALVES]))).toBe(true);
  expect(hasMatrixUnits(adapter(FEATURES, [{ ...HALVES, resultComponentType: 'f16' }]))).toBe(false);
  expect(hasMatrixUnits(adapter(FEATURES, [{ ...HALVES, N: 8 }]))).toBe(false);
  expect(hasMatrixUnits(adapter(FEATURES, undefined))).toBe(false);
  expect(hasMatrixUnits(adapter(FEATURES, [HALVES], 64))).toBe(false);
  for (const missing of FEATURES) {
    const others = FEATURES.filter((feature) => feature !== missing);
    expect(hasMatrixUnits(adapter(others, [HALVES]))).toBe(false);
  }
});

test('inputs are rounded to half precision only where that holds all of them', () => {
  const loaded = { forward: { mixed: false } } as LoadedModule;
  const factors = (...bounds: number[]) =>
    new Map(bounds.map((inputBound, i) => [`input${i}` as LinearInput, { inputBound } as HessianFactor]));
  expect(withPrecision(loaded, factors(3, 8000)).forward.mixed).toBe(true);
  expect(withPrecision(loaded, factors(9000, 3)).forward.mixed).toBe(false);
  expect(withPrecision(loaded, factors(Number.POSITIVE_INFINITY)).forward.mixed).toBe(false);
});
