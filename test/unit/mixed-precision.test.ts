import { expect, test } from 'vitest';
import { hasMatrixUnits } from '../../src/gpu/device.ts';

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
