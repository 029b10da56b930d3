import type { GpuFacts } from '../../../workers/api/gpu.ts';
import type { ModelFacts } from '../../../workers/api/model.ts';
import { type Fact, Facts } from '../components/facts.tsx';
import { GpuNotice } from '../components/gpu-notice.tsx';
import { GpuPicker } from '../components/gpu-picker.tsx';
import { Notice } from '../components/notice.tsx';
import { PlanBitrates } from '../components/plan-bitrates.tsx';
import { PlanConsequences } from '../components/plan-consequences.tsx';
import { PlanMore } from '../components/plan-more.tsx';
import { PlanOutput } from '../components/plan-output.tsx';
import { Term } from '../components/term.tsx';
import { formatBytes, formatCount, formatFlops } from '../format.ts';
import { pickModel } from '../platform/folders.ts';
import { useApp } from '../state/app-state.ts';
import { go } from '../state/route.ts';

/** What was found, what is asked for, and what that comes to. */
export function PlanScreen() {
  const { draft, gpu, plannedGpus } = useApp();
  const model = draft.model.value;
  if (model.state === 'idle') return <NoModel />;
  if (model.state === 'loading') return <p class="lead">Looking into the folder…</p>;
  if (model.state === 'failed') return <Unusable message={model.failure.message} />;
  const facts = model.value;
  return (
    <>
      <h1>{facts.name}</h1>
      {facts.warnings.map((warning) => (
        <Notice key={warning} kind="warning" title="About this model">
          {warning}
        </Notice>
      ))}
      {gpu.value.state === 'failed' && <GpuNotice />}
      <section class="card two-columns" aria-label="Model and GPU">
        <ModelCard model={facts} />
        {plannedGpus.value.length > 0 ? (
          <GpuCard gpus={plannedGpus.value} />
        ) : (
          <p class="note">Looking for the GPU…</p>
        )}
      </section>
      <section class="card" aria-label="Plan">
        <PlanBitrates model={facts} />
        <PlanOutput />
        <PlanMore />
        <PlanConsequences model={facts} />
      </section>
    </>
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
      <GpuPicker />
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

function Unusable({ message }: { message: string }) {
  const app = useApp();
  return (
    <>
      <h1>This folder cannot be converted</h1>
      <Notice
        kind="problem"
        title="What is wrong"
        actions={
          <>
            <button
              type="button"
              class="primary"
              onClick={() => void pickModel().then((source) => app.choose(source))}
            >
              Choose another folder
            </button>
            <button type="button" onClick={() => app.choose({ kind: 'demo' })}>
              Take the demo model
            </button>
          </>
        }
      >
        <p>{message}</p>
      </Notice>
    </>
  );
}

function NoModel() {
  return (
    <>
      <h1>No model is chosen</h1>
      <p class="lead">After a reload the page no longer knows which folder it was.</p>
      <button type="button" class="primary" onClick={() => go({ screen: 'start' })}>
        Choose a model
      </button>
    </>
  );
}
