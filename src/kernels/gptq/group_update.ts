import wgsl from '../../../shaders/gptq/group_update.wgsl?raw';
import { defineKernel, defineVariant, type Workgroups } from '../../gpu/kernel.ts';

/** Rows of the largest group. */
const MOST_ROWS = 128;

/** An invocation makes (4 · QUADS, 4 · COLUMNS) elements, a workgroup (HEIGHT, 16) times as many. */
interface Counts extends Record<string, number> {
  readonly QUADS: number;
  readonly COLUMNS: number;
  readonly HEIGHT: number;
}

const grid = (n: number, jobCount: number, { QUADS, COLUMNS, HEIGHT }: Counts): Workgroups => [
  Math.ceil(n / (64 * COLUMNS)),
  MOST_ROWS / (4 * QUADS * HEIGHT),
  jobCount,
];

const SMALL: Counts = { QUADS: 2, COLUMNS: 2, HEIGHT: 4 };
const LARGE: Counts = { QUADS: 2, COLUMNS: 4, HEIGHT: 4 };

/**
 * Feeds the errors of the earlier rows of its block into the rows of each job’s group. `jobCount`: groups done
 * together.
 */
export const groupUpdate = defineKernel({
  name: 'group_update',
  scalars: { k: 'u32', n: 'u32', job: 'u32', jobCount: 'u32' },
  inputs: ['pending', 'u', 'e', 'jobs'],
  outputs: ['current'],
  wgsl: [wgsl],
  counts: SMALL,
  workgroups: ({ n, jobCount }) => grid(n, jobCount, SMALL),
});

/** As `groupUpdate`, with more sums in an invocation, for adapters on the CPU: see `gemmLarge`. */
export const groupUpdateLarge = defineVariant(groupUpdate, {
  name: 'group_update_large',
  wgsl: [wgsl],
  counts: LARGE,
  workgroups: ({ n, jobCount }) => grid(n, jobCount, LARGE),
});
