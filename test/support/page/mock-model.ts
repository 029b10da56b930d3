import { type Allocation, allocate, budgetBits } from '../../../src/allocate/allocate.ts';
import { runningNeed } from '../../../src/estimate/output-size.ts';
import { attentionCandidates, mlpCandidates } from '../../../src/exl2/candidates.ts';
import { totalBits } from '../../../src/exl2/groups.ts';
import { describe } from '../../../src/exl2/params.ts';
import type { AllocationEvent } from '../../../src/job/events.ts';
import { parameterCount } from '../../../src/model/sizes.ts';
import type { AllocationRequest, MeasuredModule, PlannedAllocation } from '../../../workers/api/jobs.ts';
import type { ModelFacts } from '../../../workers/api/model.ts';
import { choiceFacts } from '../../../workers/model-facts.ts';
import goldenUrl from '../../fixtures/golden/conversion/default/measurement.json.gz?url&inline';
import { type LlamaSizes, llamaPlan } from '../llama-plan.ts';

interface Shape extends LlamaSizes {
  readonly name: string;
}

const TINY: Shape = {
  name: 'TinyStories 7M',
  ...{ layers: 6, hidden: 256, intermediate: 768, heads: 8, kvHeads: 4, vocab: 4096 },
};

const LARGE: Shape = {
  name: 'Mistral-7B-v0.3',
  ...{ layers: 32, hidden: 4096, intermediate: 14336, heads: 32, kvHeads: 8, vocab: 32768 },
};

const EXPERTS: Shape = {
  name: 'Mixtral-4L',
  ...{ layers: 4, hidden: 1024, intermediate: 1792, heads: 16, kvHeads: 8, vocab: 32000, experts: 8 },
};

/** By the wish of a test. */
const SHAPES: Readonly<Record<string, Shape>> = {
  large: LARGE,
  experts: EXPERTS,
  'many experts': { ...EXPERTS, name: 'Mixtral-4L-128', intermediate: 256, experts: 128 },
  huge: { ...LARGE, name: 'Deep 80', layers: 80 },
  named: { ...LARGE, name: 'A_long_name_without_a_space_at_which_a_line_could_break' },
};

export const mockModel = (wish: string | null): ModelFacts => modelOf(SHAPES[wish ?? ''] ?? TINY);

function modelOf({ name, ...sizes }: Shape): ModelFacts {
  const plan = llamaPlan(sizes);
  const isTiny = name === TINY.name;
  const parameters = parameterCount(plan);
  return {
    name,
    architecture: architectureOf(sizes, isTiny),
    layers: sizes.layers,
    hiddenSize: sizes.hidden,
    vocabSize: sizes.vocab,
    tokenizerSize: sizes.vocab,
    contextLength: isTiny ? 2048 : 32768,
    parameters,
    dtypes: [isTiny ? 'F16' : 'BF16'],
    bytes: 2 * parameters,
    running: runningNeed(plan),
    modules: plan.choices.map(choiceFacts),
    warnings: [],
  };
}

function architectureOf({ experts }: LlamaSizes, isTiny: boolean): string {
  if (experts) return 'MixtralForCausalLM';
  return isTiny ? 'LlamaForCausalLM' : 'MistralForCausalLM';
}

/** Of an output whose modules take so many bits. */
export const mockBytes = ({ running, hiddenSize, vocabSize }: ModelFacts, usedBits: number): number =>
  Math.round(usedBits / 8 + running!.otherBytes[6] + 2 * hiddenSize * vocabSize);

type Golden = Record<string, readonly { readonly accuracy: number }[] | null>;

/** ExLlamaV2's errors of the demo model; of larger ones each layer is a little different. */
export async function mockMeasurement(model: ModelFacts): Promise<MeasuredModule[]> {
  // Its address holds it all; the page's policy forbids to fetch such ones.
  const bytes = Uint8Array.from(atob(goldenUrl.slice(goldenUrl.indexOf(',') + 1)), (char) =>
    char.charCodeAt(0),
  );
  const packed = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  const { measurement } = (await new Response(packed).json()) as { measurement: Golden };
  return model.modules.map((module) => {
    const kind = module.kind === 'attention' ? 'self_attn' : 'mlp';
    const like = `model.layers.${module.layer % 6}.${kind}`;
    const lucky = 1 + 0.35 * Math.sin(module.layer * 2.4) * Math.exp(-module.layer / 40);
    const table = module.kind === 'attention' ? attentionCandidates() : mlpCandidates(true);
    const candidates = (measurement[like] ?? []).map(({ accuracy }, index) => {
      const params = Object.fromEntries(
        module.linears.map(({ name, role }) => [name, table[index]![`${role}_proj`]!]),
      );
      const bits = module.linears.reduce(
        (sum, { name, k, n }) => sum + (module.experts ?? 1) * totalBits(k, n, params[name]!, false),
        0,
      );
      return {
        error: (1 - accuracy) * (module.layer < 6 ? 1 : lucky),
        bitsPerWeight: bits / module.weights,
        totalBits: bits,
        description: Object.entries(params)
          .map(([name, setting]) => `${name} ${describe(setting)}`)
          .join(', '),
      };
    });
    return { key: module.key, candidates };
  });
}

export function mockAllocation(
  model: ModelFacts,
  measured: readonly MeasuredModule[],
  { bits, pinned }: AllocationRequest,
): PlannedAllocation {
  const modules = measured.map(({ key, candidates }, i) => ({
    key,
    weights: model.modules[i]?.weights ?? 0,
    candidates: candidates.map(({ error, totalBits }) => ({ totalBits, error })),
  }));
  const allocation = allocate(modules, budgetBits(modules, bits), {
    pinned: new Map(Object.entries(pinned)),
  });
  return { ...eventOf(measured, allocation), outputBytes: mockBytes(model, allocation.usedBits) };
}

function eventOf(measured: readonly MeasuredModule[], allocation: Allocation): AllocationEvent {
  const modules = measured.flatMap(({ key, candidates }, i) => {
    const candidate = allocation.choice[i] ?? 0;
    const chosen = candidates[candidate];
    return chosen ? [{ key, candidate, ...chosen }] : [];
  });
  return {
    type: 'allocation',
    modules,
    bitsPerWeight: allocation.bitsPerWeight,
    budgetBits: allocation.budgetBits,
    usedBits: allocation.usedBits,
    sumError: allocation.errorSum,
    maxError: allocation.largestError,
    sumLogError: allocation.logErrorSum,
  };
}
