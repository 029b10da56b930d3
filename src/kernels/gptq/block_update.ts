import wgsl from '../../../shaders/gptq/block_update.wgsl?raw';
import { defineKernel, defineVariant, type Workgroups } from '../../gpu/kernel.ts';

/** Rows of the largest block. */
const MOST_ROWS = 256;

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

/** Feeds the errors of all rows before each job’s block into its rows. `jobCount`: blocks done together. */
export const blockUpdate = defineKernel({
  name: 'block_update',
  scalars: { k: 'u32', n: 'u32', job: 'u32', jobCount: 'u32' },
  inputs: ['w', 'u', 'perm', 'e', 'jobs'],
  outputs: ['pending'],
  wgsl: [wgsl],
  counts: SMALL,
  workgroups: ({ n, jobCount }) => grid(n, jobCount, SMALL),
});

/** As `blockUpdate`, with more sums in an invocation, for adapters on the CPU: see `gemmLarge`. */
export const blockUpdateLarge = defineVariant(blockUpdate, {
  name: 'block_update_large',
  wgsl: [wgsl],
  counts: LARGE,
  workgroups: ({ n, jobCount }) => grid(n, jobCount, LARGE),
});
