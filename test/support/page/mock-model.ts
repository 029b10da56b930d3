import { type Allocation, allocate, budgetBits } from '../../../src/allocate/allocate.ts';
import { attentionCandidates, mlpCandidates } from '../../../src/exl2/candidates.ts';
import { totalBits } from '../../../src/exl2/groups.ts';
import { describe } from '../../../src/exl2/params.ts';
import type { AllocationEvent } from '../../../src/job/events.ts';
import type { AllocationRequest, MeasuredModule, ModelFacts, ModuleFacts } from '../../../workers/api.ts';
import goldenUrl from '../../fixtures/golden/conversion/default/measurement.json.gz?url';

interface Shape {
  readonly name: string;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly kvSize: number;
  readonly vocabSize: number;
  readonly headDim: number;
}

const TINY: Shape = {
  name: 'TinyStories 7M',
  layers: 6,
  hiddenSize: 256,
  intermediateSize: 768,
  kvSize: 128,
  vocabSize: 4096,
  headDim: 32,
};

const LARGE: Shape = {
  name: 'Mistral-7B-v0.3',
  layers: 32,
  hiddenSize: 4096,
  intermediateSize: 14336,
  kvSize: 1024,
  vocabSize: 32768,
  headDim: 128,
};

/** By the wish of a test. */
const SHAPES: Readonly<Record<string, Shape>> = {
  large: LARGE,
  huge: { ...LARGE, name: 'Deep 80', layers: 80 },
  named: { ...LARGE, name: 'A_long_name_without_a_space_at_which_a_line_could_break' },
};

export const mockModel = (wish: string | null): ModelFacts => modelOf(SHAPES[wish ?? ''] ?? TINY);

function modelOf(shape: Shape): ModelFacts {
  const { layers, hiddenSize, kvSize, vocabSize, headDim } = shape;
  const modules = Array.from({ length: layers }, (_, layer) => modulesOf(shape, layer)).flat();
  const weights = modules.reduce((sum, module) => sum + module.weights, 0);
  const parameters = weights + 2 * hiddenSize * vocabSize + hiddenSize * (2 * layers + 1);
  return {
    name: shape.name,
    architecture: shape === TINY ? 'LlamaForCausalLM' : 'MistralForCausalLM',
    layers,
    hiddenSize,
    vocabSize,
    tokenizerSize: vocabSize,
    contextLength: shape === TINY ? 2048 : 32768,
    parameters,
    dtypes: [shape === TINY ? 'F16' : 'BF16'],
    bytes: 2 * parameters,
    kvHeads: kvSize / headDim,
    headDim,
    modules,
    warnings: [],
  };
}

function modulesOf({ hiddenSize: h, intermediateSize: i, kvSize }: Shape, layer: number): ModuleFacts[] {
  const linears = (...of: readonly (readonly [string, number, number])[]) =>
    of.map(([name, k, n]) => ({ name, k, n }));
  const attention = linears(['q_proj', h, h], ['k_proj', h, kvSize], ['v_proj', h, kvSize], ['o_proj', h, h]);
  const mlp = linears(['gate_proj', h, i], ['up_proj', h, i], ['down_proj', i, h]);
  const weights = (of: typeof mlp) => of.reduce((sum, { k, n }) => sum + k * n, 0);
  const key = `model.layers.${layer}`;
  return [
    { key: `${key}.self_attn`, kind: 'attention', layer, weights: weights(attention), linears: attention },
    { key: `${key}.mlp`, kind: 'mlp', layer, weights: weights(mlp), linears: mlp },
  ];
}

type Golden = Record<string, readonly { readonly accuracy: number }[] | null>;

/** ExLlamaV2's errors of the demo model; of larger ones each layer is a little different. */
export async function mockMeasurement(model: ModelFacts): Promise<MeasuredModule[]> {
  const packed = (await fetch(goldenUrl)).body?.pipeThrough(new DecompressionStream('gzip'));
  const { measurement } = (await new Response(packed).json()) as { measurement: Golden };
  return model.modules.map((module) => {
    const like = module.key.replace(/\d+/, String(module.layer % 6));
    const lucky = 1 + 0.35 * Math.sin(module.layer * 2.4) * Math.exp(-module.layer / 40);
    const table = module.kind === 'attention' ? attentionCandidates() : mlpCandidates(true);
    const candidates = (measurement[like] ?? []).map(({ accuracy }, index) => {
      const params = table[index]!;
      const bits = module.linears.reduce(
        (sum, { name, k, n }) => sum + totalBits(k, n, params[name] ?? [], false),
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
): AllocationEvent {
  const modules = measured.map(({ key, candidates }, i) => ({
    key,
    weights: model.modules[i]?.weights ?? 0,
    candidates: candidates.map(({ error, totalBits }) => ({ totalBits, error })),
  }));
  const allocation = allocate(modules, budgetBits(modules, bits), {
    pinned: new Map(Object.entries(pinned)),
  });
  return eventOf(measured, allocation);
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
