import { type ReadonlySignal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { GpuNotice } from '../components/gpu-notice.tsx';
import { QueueSection } from '../components/queue-section.tsx';
import { RecentJobs } from '../components/recent-jobs.tsx';
import { Term } from '../components/term.tsx';
import { droppedModel, pickModel } from '../platform/folders.ts';
import { useApp } from '../state/app-state.ts';
import { formatRoute } from '../state/route.ts';

/** Bring a model. */
export function StartScreen() {
  const app = useApp();
  const blocked = app.gpu.value.state === 'failed';
  return (
    <>
      <h1>
        Turn a language model into <Term of="EXL2" />, a smaller copy of it, here in the browser.
      </h1>
      <p class="lead">
        A model folder goes in, a quantized folder comes out. Nothing is installed and nothing leaves this
        computer.
      </p>
      <p>
        <a href={formatRoute({ screen: 'learn', card: 1 })}>See how it works</a>, in eight cards that you take
        in your own time.
      </p>
      <GpuNotice />
      <BringModel blocked={blocked} />
      <QueueSection />
      <RecentJobs />
    </>
  );
}

function BringModel({ blocked }: { blocked: boolean }) {
  const app = useApp();
  const over = useDrop(blocked);
  return (
    <section class={over.value ? 'drop-zone over' : 'drop-zone'} aria-label="Bring a model">
      <div class="row">
        <button type="button" class="primary" disabled={blocked} onClick={() => app.choose({ kind: 'demo' })}>
          Convert the demo model
        </button>
        <button
          type="button"
          disabled={blocked}
          onClick={() => void pickModel().then((source) => app.choose(source))}
        >
          Choose a model folder
        </button>
        <span class="note">or drop one here</span>
      </div>
      <p class="note">
        The demo is TinyStories, 6.8 million <Term of="parameters" />, 14 MB. Your own is a folder as Hugging
        Face has it: <code>config.json</code>, <code>*.safetensors</code>, <code>tokenizer.json</code>.
      </p>
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
