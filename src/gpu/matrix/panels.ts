import { bufferBytes } from '../memory.ts';

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
