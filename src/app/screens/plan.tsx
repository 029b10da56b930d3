import { useEffect } from 'preact/hooks';
import type { ModelFacts } from '../../../workers/api/model.ts';
import { GpuNotice } from '../components/gpu-notice.tsx';
import { GpuPicker } from '../components/gpu-picker.tsx';
import { Notice } from '../components/notice.tsx';
import { PlanBitrates } from '../components/plan-bitrates.tsx';
import { PlanFacts } from '../components/plan-facts.tsx';
import { PlanMode } from '../components/plan-mode.tsx';
import { PlanMore } from '../components/plan-more.tsx';
import { PlanOutput } from '../components/plan-output.tsx';
import { PlanStart } from '../components/plan-start.tsx';
import { formatBytes, formatCount } from '../format.ts';
import { rescueFocus } from '../platform/focus-heading.ts';
import { pickModel } from '../platform/folders.ts';
import { useApp } from '../state/app-state.ts';
import { go } from '../state/route.ts';

/** What is asked for and what that comes to; what was found is folded away below. */
export function PlanScreen() {
  const { draft, gpu } = useApp();
  const model = draft.model.value;
  useEffect(() => rescueFocus(), [model.state]);
  if (model.state === 'idle') return <NoModel />;
  if (model.state === 'loading') return <h1>Looking into the folder…</h1>;
  if (model.state === 'failed') return <Unusable message={model.failure.message} />;
  const facts = model.value;
  return (
    <>
      <div>
        <h1>{facts.name}</h1>
        <p class="lead">
          <span class="number">{formatCount(facts.parameters)}</span> parameters,{' '}
          <span class="number">{formatBytes(facts.bytes)}</span>
        </p>
      </div>
      {facts.warnings.map((warning) => (
        <Notice key={warning} kind="warning" title="About this model">
          {warning}
        </Notice>
      ))}
      {gpu.value.state === 'failed' && <GpuNotice />}
      <Decision model={facts} />
    </>
  );
}

/** The button stays in view while the rest is looked through. */
function Decision({ model }: { model: ModelFacts }) {
  return (
    <section class="card plan" aria-label="Plan">
      <PlanBitrates model={model} />
      <div class="two-columns">
        <PlanMode />
        <PlanOutput />
      </div>
      <GpuPicker />
      <PlanStart />
      <PlanMore />
      <PlanFacts model={model} />
    </section>
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
      <div class="row">
        <button type="button" class="primary" onClick={() => go({ screen: 'start' })}>
          Choose a model
        </button>
      </div>
    </>
  );
}
