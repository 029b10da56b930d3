import type { Gpu } from '../gpu.ts';
import type { Scope } from '../scope.ts';
import type { GpuTensor } from '../tensor.ts';
import { panelRanges } from './panels.ts';

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
