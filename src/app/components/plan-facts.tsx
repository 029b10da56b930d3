import type { GpuFacts } from '../../../workers/api/gpu.ts';
import type { ModelFacts } from '../../../workers/api/model.ts';
import { formatBytes, formatCount, formatFlops } from '../format.ts';
import { useApp } from '../state/app-state.ts';
import { type Fact, Facts } from './facts.tsx';
import { Term } from './term.tsx';

/** What was found of model and GPU, for those who want to know. */
export function PlanFacts({ model }: { model: ModelFacts }) {
  const { plannedGpus } = useApp();
  return (
    <details class="more">
      <summary>What was found: model and GPU</summary>
      <div class="two-columns">
        <ModelCard model={model} />
        {plannedGpus.value.length > 0 ? (
          <GpuCard gpus={plannedGpus.value} />
        ) : (
          <p class="note">Looking for the GPU…</p>
        )}
      </div>
    </details>
  );
}

function ModelCard({ model }: { model: ModelFacts }) {
  return (
    <div>
      <h2>Model</h2>
      <Facts
        of={[
          ['Architecture', model.architecture],
          ['Layers', `${model.layers} × ${model.hiddenSize}`],
          ...expertFacts(model),
          [
            <Term key="term" of="parameters">
              Parameters
            </Term>,
            formatCount(model.parameters),
          ],
          ['Weights', `${formatBytes(model.bytes)}, ${model.dtypes.join(' and ')}`],
          ['Vocabulary', `${model.vocabSize} tokens`],
          ['Context', `${model.contextLength} tokens`],
        ]}
      />
    </div>
  );
}

function expertFacts({ modules }: ModelFacts): Fact[] {
  const { experts, expertsPerToken } = modules.find((module) => module.experts) ?? {};
  return experts
    ? [
        [
          <Term key="experts" of="expert">
            Experts
          </Term>,
          `${experts} a layer, ${expertsPerToken} for each token`,
        ],
      ]
    : [];
}

/** What people look for in a GPU. There are kernels that do without. */
const FEATURES: Readonly<Record<string, string>> = {
  'shader-f16': '16-bit floats',
  subgroups: 'subgroups',
  'chromium-experimental-subgroup-matrix': 'matrix units',
};

const speedOf = ({ flopsPerSecond, matrixFlopsPerSecond }: GpuFacts): string =>
  formatFlops(flopsPerSecond) +
  (matrixFlopsPerSecond > 0 ? `, on matrix units ${formatFlops(matrixFlopsPerSecond)}` : '');

function GpuCard({ gpus }: { gpus: readonly GpuFacts[] }) {
  return (
    <div>
      <h2>GPU</h2>
      {gpus.map((gpu) => (
        <OneGpu key={gpu.name} gpu={gpu} />
      ))}
    </div>
  );
}

function OneGpu({ gpu }: { gpu: GpuFacts }) {
  const features = Object.keys(FEATURES).filter((feature) => gpu.features.includes(feature));
  return (
    <Facts
      of={[
        ['Name', gpu.name],
        ['Runs on', gpu.software ? <Term of="software adapter">the CPU</Term> : 'graphics hardware'],
        ['Measured speed', speedOf(gpu)],
        ['Largest buffer', formatBytes(gpu.maxBufferBytes)],
        ['Memory to use', formatBytes(gpu.budgetBytes)],
        [
          'Features',
          features.length > 0
            ? `${features.map((feature) => FEATURES[feature]).join(', ')} (not needed)`
            : 'the basic ones, which are enough',
        ],
      ]}
    />
  );
}
