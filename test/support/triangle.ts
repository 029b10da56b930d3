import type { Gpu } from '../../src/gpu/gpu.ts';
import { allocTriangle, type Triangle } from '../../src/gpu/matrix/triangle.ts';
import type { Scope } from '../../src/gpu/scope.ts';
import { reversed } from '../../src/reference/linalg/cholesky.ts';

/** The lower triangle of a matrix (k, k), in the panels that the GPU has; `above`: what stands above the diagonal there. */
export function uploadTriangle(
  gpu: Gpu,
  scope: Scope,
  values: ArrayLike<number>,
  k: number,
  above = Number.NaN,
): Triangle {
  const triangle = allocTriangle(gpu, scope, k, 'triangle');
  for (const { start, end, tensor } of triangle.panels) {
    const panel = Float32Array.from({ length: (end - start) * end }, (_, i) => {
      const [row, column] = [start + Math.floor(i / end), i % end];
      return column <= row ? values[row * k + column]! : above;
    });
    gpu.write(tensor, panel);
  }
  return triangle;
}

/** A triangle as a matrix (k, k), with zeros above the diagonal. */
export async function readTriangle(gpu: Gpu, { k, panels }: Triangle): Promise<Float32Array<ArrayBuffer>> {
  const values = new Float32Array(k * k);
  for (const { start, end, tensor } of panels) {
    const panel = new Float32Array(await gpu.read(tensor));
    for (let row = start; row < end; row++)
      values.set(panel.subarray((row - start) * end, (row - start) * end + row + 1), row * k);
  }
  return values;
}

/** What a factor has of U (k, k), upper: that with its rows and columns reversed. */
export const uploadFactor = (gpu: Gpu, scope: Scope, u: ArrayLike<number>, k: number): Triangle =>
  uploadTriangle(gpu, scope, reversed(Float64Array.from(u), k), k, 0);

/** The Hessian of which `h` (k, k) is the permuted one, without more damping. */
export function uploadHessian(gpu: Gpu, scope: Scope, h: ArrayLike<number>, perm: Uint32Array) {
  const k = perm.length;
  const sum = new Float64Array(k * k);
  for (let i = 0; i < k; i++) for (let j = 0; j < k; j++) sum[perm[i]! * k + perm[j]!] = h[i * k + j]!;
  return { sum: uploadTriangle(gpu, scope, sum, k), scale: 1, ratio: 0, damp: 0 };
}
