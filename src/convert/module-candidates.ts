import { attentionCandidates, type Candidate, mlpCandidates } from '../exl2/candidates.ts';
import { totalBits } from '../exl2/groups.ts';
import type { ModuleSpec } from '../model/plan.ts';

/** The table that a module's candidates come from. */
export const candidatesOf = (module: ModuleSpec): readonly Candidate[] =>
  module.kind === 'attention'
    ? attentionCandidates()
    : mlpCandidates(module.linears.some(({ name }) => name === 'gate_proj'));

/** Bits of a module under a candidate, as ExLlamaV2 counts them. */
export const candidateBits = (module: ModuleSpec, candidate: Candidate): number =>
  module.linears.reduce(
    (sum, { name, k, n, bias }) => sum + totalBits(k, n, candidate[name]!, bias !== undefined),
    0,
  );
