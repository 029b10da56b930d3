import { type Group, MAX_GROUP_ROWS } from '../exl2/params.ts';
import { assert } from '../util/errors.ts';

export const GROUP_ROWS = MAX_GROUP_ROWS;
/** Rows that take in the errors of all rows before them in one product. */
export const BLOCK_ROWS = 256;
/** Of a group or block, as the kernels read them. */
export const JOB_WORDS = 6;

/** Number of each candidate's first group among the groups of all. */
export const firstGroupsOf = (candidates: readonly (readonly Group[])[]): number[] =>
  candidates.map((_, i) => candidates.slice(0, i).reduce((sum, groups) => sum + groups.length, 0));

/** Jobs of one dispatch: `jobCount` of them from number `job` on. */
export interface Jobs {
  readonly job: number;
  readonly jobCount: number;
}

/** The order in which candidates' groups are done. */
export interface StepPlan {
  readonly steps: readonly {
    /** Those that begin with the step, and where the last of them ends. */
    readonly blocks: Jobs & { readonly end: number };
    readonly groups: Jobs;
  }[];
  /** Of all steps. */
  readonly jobs: Uint32Array<ArrayBuffer>;
  /** Groups of all candidates. */
  readonly groupCount: number;
}

/**
 * Step i does group i of each candidate. A block begins with a group, and takes the groups that fit into it whole;
 * the step of its first group also does the block.
 */
export function planSteps(candidates: readonly (readonly Group[])[]): StepPlan {
  const words: number[] = [];
  const add = (jobs: readonly (readonly number[])[]): Jobs => {
    const job = words.length / JOB_WORDS;
    words.push(...jobs.flat());
    return { job, jobCount: jobs.length };
  };
  const firstGroups = firstGroupsOf(candidates);
  const blocks = candidates.map(() => ({ start: 0, end: 0 }));
  const longest = Math.max(...candidates.map((groups) => groups.length));
  const steps = Array.from({ length: longest }, (_, step) => {
    const due = candidates.flatMap((groups, candidate) => {
      const group = groups[step];
      return group ? [{ candidate, group, last: groups.at(-1)!.end }] : [];
    });
    const begun: number[][] = [];
    for (const { candidate, group, last } of due) {
      assert(group.end - group.start <= GROUP_ROWS, `group of ${group.end - group.start} rows`);
      if (group.end <= blocks[candidate]!.end) continue;
      const block = { start: group.start, end: Math.min(group.start + BLOCK_ROWS, last) };
      blocks[candidate] = block;
      begun.push([candidate, block.start, block.end, 0, 0, 0]);
    }
    const groups = due.map(({ candidate, group: { start, end, bits } }) => [
      ...[candidate, start, end, bits],
      ...[blocks[candidate]!.start, firstGroups[candidate]! + step],
    ]);
    const end = Math.max(0, ...begun.map(([, , blockEnd]) => blockEnd!));
    return { blocks: { ...add(begun), end }, groups: add(groups) };
  });
  const groupCount = candidates.reduce((sum, groups) => sum + groups.length, 0);
  return { steps, jobs: Uint32Array.from(words), groupCount };
}
