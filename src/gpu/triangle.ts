import type { Gpu } from './gpu.ts';
import { bufferBytes } from './memory.ts';
import type { Scope } from './scope.ts';
import type { GpuTensor } from './tensor.ts';

/** Rows start … end − 1 of a triangle, up to the last one's diagonal: (end − start, end) f32, row-major. */
export interface TrianglePanel {
  readonly start: number;
  readonly end: number;
  readonly tensor: GpuTensor;
}

/**
 * A lower triangular matrix (k, k), or that half of a symmetric one, in panels of rows: no buffer is larger than every GPU
 * allows, and of the half that says nothing only what lies in a panel's last square is there. What stands above the
 * diagonal means nothing.
 */
export interface Triangle {
  readonly k: number;
  readonly panels: readonly TrianglePanel[];
}

/** Bytes of a panel at most: of a buffer that WebGPU guarantees. So all GPUs cut alike, and workers can exchange sums. */
export const PANEL_BYTES = 2 ** 27;
/** Rows of a panel, where that allows: more would hold more of the half that says nothing. */
const MOST_ROWS = 4096;
/** Tiles of kernels have so many rows. */
const LEAST_ROWS = 128;

/** Rows start … end − 1 of each panel: powers of two, but for the last. */
export function panelRanges(
  k: number,
  panelBytes = PANEL_BYTES,
): { readonly start: number; readonly end: number }[] {
  let rows = MOST_ROWS;
  while (rows > LEAST_ROWS && rows * k * 4 > panelBytes) rows /= 2;
  return Array.from({ length: Math.ceil(k / rows) }, (_, i) => ({
    start: i * rows,
    end: Math.min(k, (i + 1) * rows),
  }));
}

/** Elements of the panels of a triangle (k, k). */
export const triangleSize = (k: number, panelBytes = PANEL_BYTES): number =>
  panelRanges(k, panelBytes).reduce((sum, { start, end }) => sum + (end - start) * end, 0);

/** GPU memory of a triangle (k, k). */
export const triangleBytes = (k: number): number =>
  panelRanges(k).reduce((sum, { start, end }) => sum + bufferBytes((end - start) * end * 4), 0);

/** Uninitialized; its panels belong to `scope`. */
export function allocTriangle(gpu: Gpu, scope: Scope, k: number, label: string): Triangle {
  const panels = panelRanges(k, gpu.panelBytes).map(({ start, end }) => ({
    ...{ start, end },
    tensor: scope.alloc([end - start, end], label),
  }));
  return { k, panels };
}

export function zeroTriangle(gpu: Gpu, { panels }: Triangle): void {
  for (const { tensor } of panels) gpu.zero(tensor);
}

/** Frees a triangle of `scope` early. */
export function freeTriangle(scope: Scope, { panels }: Triangle): void {
  for (const { tensor } of panels) scope.free(tensor);
}

/** Hands a triangle of one scope over to another. */
export function moveTriangle(from: Scope, to: Scope, { panels }: Triangle): void {
  for (const { tensor } of panels) to.adopt(from.keep(tensor));
}
