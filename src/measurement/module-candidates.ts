import { attentionCandidates, type Candidate, mlpCandidates } from '../exl2/candidates.ts';
import { SMALLEST_SETTING } from '../exl2/finer-settings.ts';
import { totalBits } from '../exl2/groups.ts';
import { describe } from '../exl2/params.ts';
import type { QuantizerMethod } from '../gptq/method.ts';
import type { LinearSpec } from '../model/spec.ts';

/** A choice, or one of its modules. */
type WithLinears = { readonly linears: readonly LinearSpec[] };

/** Candidates of a module, by number: `from` up to, without, `to`. */
export interface CandidateRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The candidates that are tried on a module: ExLlamaV2's table. To know each linear's part in the module's error the
 * refined measurement also tries the smallest of all settings, for all linears and for each of them alone: the table
 * treats some linears always alike.
 */
export function candidatesOf({ linears }: WithLinears, method: QuantizerMethod): readonly Candidate[] {
  const roles = new Map(linears.map(({ paramsName, role }) => [paramsName, role]));
  const names = [...roles.keys()];
  const has = (role: LinearSpec['role']) => linears.some((linear) => linear.role === role);
  const rows = has('q') ? attentionCandidates() : mlpCandidates(has('gate'));
  const table = rows.map((row) =>
    Object.fromEntries([...roles].map(([name, role]) => [name, row[`${role}_proj`]!])),
  );
  if (method === 'exllamav2') return table;
  const smallest = Object.fromEntries(names.map((name) => [name, SMALLEST_SETTING]));
  const alone = names.map((name) => ({ ...table.at(-1)!, [name]: SMALLEST_SETTING }));
  return [...table, smallest, ...alone];
}

/** Bits of linears under a candidate, as ExLlamaV2 counts them. */
export const candidateBits = ({ linears }: WithLinears, candidate: Candidate): number =>
  linears.reduce(
    (sum, { paramsName, k, n, bias }) => sum + totalBits(k, n, candidate[paramsName]!, bias !== undefined),
    0,
  );

/** E.g. `q_proj 1:4b_128g s4, k_proj …`. */
export const describeCandidate = (candidate: Candidate): string =>
  Object.entries(candidate)
    .map(([linear, params]) => `${linear} ${describe(params)}`)
    .join(', ');

/** The widest input first: its factor, and what depends on it, are not needed after that. */
export const inTrialOrder = (linears: readonly LinearSpec[]): LinearSpec[] =>
  linears.toSorted((a, b) => b.k - a.k);
