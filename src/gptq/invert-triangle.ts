import type { Gpu } from '../gpu/gpu.ts';
import { panelRanges } from '../gpu/matrix/panels.ts';
import type { Triangle, TrianglePanel } from '../gpu/matrix/triangle.ts';
import { bufferBytes } from '../gpu/memory.ts';
import { Scope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { triangularInverse } from '../kernels/triangular_inverse/triangular_inverse.ts';

/** Rows of the diagonal blocks whose inverses the factorization leaves. */
const BLOCK = 32;

/** A dispatch takes whole tiles of rows, */
const TILE = 128;
/** and about so many multiply-adds at most: a tenth of a second at 5 TFLOP/s. */
const MOST_PRODUCTS = 2 ** 38;

type PanelRange = Pick<TrianglePanel, 'start' | 'end'>;

/** Pairs A, C of neighbouring blocks of `side` rows that one panel has rows of C of. */
interface Pairs<P extends PanelRange> {
  readonly side: number;
  /** First row of the first A. */
  readonly aStart: number;
  readonly pairs: number;
  /** With the rows of C. */
  readonly panel: P;
  /** With the rows of A. */
  readonly above: readonly P[];
  /** With the rows of C up to this panel's. */
  readonly before: readonly P[];
}

/**
 * Inverts a lower triangular matrix, in whose diagonal blocks of 32 rows their inverses stand already, in place. What it
 * holds right of those blocks is not read.
 */
export function invertTriangle(gpu: Gpu, triangle: Triangle): void {
  const scope = new Scope(gpu);
  for (let side = BLOCK; side < triangle.k; side *= 2) {
    const products = new Map<TrianglePanel, GpuTensor>();
    const steps = pairsOf(triangle.panels, side);
    for (const step of steps) {
      const { panel, above } = step;
      const product = scope.alloc([panel.end - panel.start, side], 'half of an inverse');
      products.set(panel, product);
      for (const right of above) {
        const factors = { left: panel.tensor, right: right.tensor, product };
        inParts(step, right, (scalars) => gpu.run(triangularInverse.first, { ...scalars, ...factors }));
      }
    }
    for (const step of steps) {
      for (const right of step.before) {
        const factors = { left: step.panel.tensor, right: products.get(right)! };
        inParts(step, right, (scalars) => gpu.run(triangularInverse.second, { ...scalars, ...factors }));
      }
    }
    scope.freeAll();
  }
}

/** GPU memory that {@link invertTriangle} takes beside a triangle (k, k). */
export function invertingBytes(k: number): number {
  let most = 0;
  for (let side = BLOCK; side < k; side *= 2) {
    const products = pairsOf(panelRanges(k), side).map(
      ({ panel: { start, end } }) => (end - start) * side * 4,
    );
    most = Math.max(
      most,
      products.map(bufferBytes).reduce((a, b) => a + b, 0),
    );
  }
  return most;
}

/** All pairs of blocks of `side` rows, panel by panel. */
function pairsOf<P extends PanelRange>(panels: readonly P[], side: number): Pairs<P>[] {
  const between = (from: number, to: number) => panels.filter(({ start, end }) => start < to && end > from);
  return panels.flatMap((panel): Pairs<P>[] => {
    const rows = panel.end - panel.start;
    const aStart = Math.floor(panel.start / (2 * side)) * 2 * side;
    const cStart = aStart + side;
    if (panel.end <= cStart) return [];
    return [
      {
        ...{ side, aStart, panel },
        pairs: Math.max(1, Math.ceil((rows - side) / (2 * side))),
        above: side < rows ? [panel] : between(aStart, cStart),
        before: side < rows ? [panel] : between(cStart, panel.end),
      },
    ];
  });
}

/** Calls `run` for parts of the rows of C, none of which takes too long. */
function inParts(
  { side, aStart, pairs, panel: { start: first, end } }: Pairs<PanelRange>,
  right: PanelRange,
  run: (scalars: Parameters<typeof triangularInverse.first.workgroups>[0]) => void,
): void {
  const summed = Math.min(side, right.end - right.start);
  const most = Math.max(1, Math.floor(MOST_PRODUCTS / (pairs * side * summed * TILE))) * TILE;
  const cStart = aStart + side;
  const from = Math.max(0, first - cStart);
  const to = Math.min(side, end - cStart);
  for (let start = from; start < to; start += most) {
    const rows = Math.min(most, to - start);
    run({ side, aStart, pairs, start, rows, first, end, rightFirst: right.start, rightEnd: right.end });
  }
}
