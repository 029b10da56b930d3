import { expect, test } from 'vitest';
import { gemm } from '../../src/kernels/linalg/gemm.ts';
import { testGpu } from '../support/gpu.ts';

test('gemm', async () => {
  const gpu = await testGpu();
  const [m, n, k] = [3, 8, 4];
  const a = Float32Array.from({ length: m * k }, (_, i) => i - 3);
  const b = Float32Array.from({ length: k * n }, (_, i) => (i % 5) - 2);
  const ta = gpu.alloc([m, k], 'a');
  const tb = gpu.alloc([k, n], 'b');
  const tc = gpu.alloc([m, n], 'c');
  gpu.write(ta, a);
  gpu.write(tb, b);
  gpu.run(gemm, { m, n, k, accumulate: 0, a: ta, b: tb, c: tc });
  const c = new Float32Array(await gpu.read(tc));
  const want = Array.from({ length: m * n }, (_, i) => {
    let s = 0;
    for (let t = 0; t < k; t++) s += a[Math.floor(i / n) * k + t]! * b[t * n + (i % n)]!;
    return s;
  });
  expect([...c]).toEqual(want);
  gpu.destroy();
});
