import { type ReadonlySignal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { GpuNotice } from '../components/gpu-notice.tsx';
import { Notice } from '../components/notice.tsx';
import { QueueSection } from '../components/queue-section.tsx';
import { RecentJobs } from '../components/recent-jobs.tsx';
import { SampleGrid } from '../components/sample-grid.tsx';
import { StartFacts } from '../components/start-facts.tsx';
import { Term } from '../components/term.tsx';
import { droppedModel, pickModel } from '../platform/folders.ts';
import { useApp } from '../state/app-state.ts';
import { formatRoute } from '../state/route.ts';

/** Why, an example, and bring a model. */
export function StartScreen() {
  const app = useApp();
  const blocked = app.gpu.value.state === 'failed';
  return (
    <>
      <div class="hero">
        <div class="hero-words">
          <h1>A 14.5 GB language model in 3.9 GB, made by your own GPU, here in the browser.</h1>
          <p class="lead">
            That is Mistral 7B at 4 <Term of="bits per weight" /> instead of 16. A model folder goes in, a
            smaller one comes out, in the format <Term of="EXL2" />: each layer is measured, and the bits go
            where they matter most. Nothing is installed, and nothing leaves this computer.
          </p>
          <BringModel blocked={blocked} />
        </div>
        <SampleGrid />
      </div>
      {app.storageProblem.value && (
        <Notice kind="problem" title="Conversions cannot be kept here">
          {app.storageProblem.value}
        </Notice>
      )}
      <GpuNotice />
      <QueueSection />
      <RecentJobs />
      <StartFacts />
    </>
  );
}

function BringModel({ blocked }: { blocked: boolean }) {
  const app = useApp();
  const over = useDrop(blocked);
  return (
    <section class={over.value ? 'drop-zone over' : 'drop-zone'} aria-label="Bring a model">
      <div class="row">
        <button
          type="button"
          class={blocked ? undefined : 'primary'}
          disabled={blocked}
          onClick={() => void pickModel().then((source) => app.choose(source))}
        >
          Choose a model folder
        </button>
        <button type="button" disabled={blocked} onClick={() => app.choose({ kind: 'demo' })}>
          Try it with the small model
        </button>
        <span class="note for-pointers">or drop a folder here</span>
      </div>
      <div class="row">
        <a class={blocked ? 'button primary' : 'button'} href={formatRoute({ screen: 'demo' })}>
          Watch a conversion
        </a>
        <a class="button" href={formatRoute({ screen: 'learn', card: 1 })}>
          See how it works
        </a>
        <span class="note">
          {blocked ? 'Both work without a GPU.' : 'Recorded, and explained: no GPU needed.'}
        </span>
      </div>
    </section>
  );
}

/** Takes what is dropped anywhere on the page: the browser would open it otherwise. Tells whether something hovers. */
function useDrop(blocked: boolean): ReadonlySignal<boolean> {
  const app = useApp();
  const over = useSignal(false);
  useEffect(() => {
    const hover = (event: DragEvent) => {
      event.preventDefault();
      over.value = !blocked;
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) over.value = false;
    };
    const drop = (event: DragEvent) => {
      event.preventDefault();
      over.value = false;
      if (event.dataTransfer && !blocked)
        void droppedModel(event.dataTransfer).then((source) => app.choose(source));
    };
    addEventListener('dragover', hover);
    addEventListener('dragleave', leave);
    addEventListener('drop', drop);
    return () => {
      removeEventListener('dragover', hover);
      removeEventListener('dragleave', leave);
      removeEventListener('drop', drop);
    };
  }, [app, blocked, over]);
  return over;
}
