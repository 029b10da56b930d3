import { useId } from 'preact/hooks';
import { formatRate, formatSeconds } from '../format.ts';
import { type PartedText, textOf } from '../state/parting.ts';
import type { TextView } from '../state/text-view.ts';
import { ProgressBar } from './meter.tsx';

interface TextPanelProps {
  readonly title: string;
  readonly facts: string;
  readonly prompt: string;
  readonly view: TextView;
  /** The text with the place where it parts from the other one, once that is known. */
  readonly parted: PartedText | undefined;
  /** Where the model's folder can be chosen again. */
  readonly onChooseAgain?: () => void;
}

/** What one model writes, and how fast. */
export function TextPanel({ title, facts, prompt, view, parted, onChooseAgain }: TextPanelProps) {
  const id = useId();
  return (
    <section class="panel text-panel" aria-labelledby={id}>
      <div class="meter-head">
        <h3 id={id}>{title}</h3>
        <span class="note number">{facts}</span>
      </div>
      {view.residence && view.residence !== 'ready' && <p class="note">{RESIDENCE_WORDS[view.residence]}</p>}
      <Waiting view={view} />
      {view.tokens.length > 0 && (
        <p class="text">
          <span class="prompt-text">{prompt}</span>
          {parted ? <Parted text={parted} /> : <span>{textOf(view.tokens)}</span>}
        </p>
      )}
      {view.failure && <Failed failure={view.failure} onChooseAgain={onChooseAgain} />}
      <p class="note number text-facts">{speedWords(view)}</p>
    </section>
  );
}

function Parted({ text: { shared, own, rest } }: { text: PartedText }) {
  return (
    <>
      <span>{shared}</span>
      {own && <mark>{own.text}</mark>}
      <span>{rest}</span>
    </>
  );
}

const RESIDENCE_WORDS = {
  stored: 'On the GPU as its files have it: each weight is made 32 bits wide whenever it is used.',
  streamed: 'Too large for the GPU memory: its layers are read from its files for every run.',
} as const;

function Waiting({ view: { state, loaded, run, end, tokens } }: { view: TextView }) {
  if (state === 'waiting') return <p class="note">Its turn comes next: one GPU runs one model at a time.</p>;
  if (run !== undefined && (state === 'reading' || state === 'writing'))
    return (
      <LayerProgress
        share={run}
        text={state === 'reading' ? 'Reads the prompt, and the text beside' : 'Goes on'}
      />
    );
  if (state === 'reading') return <p class="note">Reads the prompt…</p>;
  if (end === 'model' && tokens.length === 0) return <p class="note">It ends the text at once.</p>;
  if (state !== 'loading') return null;
  return (
    <div>
      <p class="note">Loading…</p>
      <ProgressBar label="Loading" share={loaded} />
    </div>
  );
}

/** How far a model is through its layers, where that takes long. */
function LayerProgress({ share, text }: { share: number; text: string }) {
  return (
    <div>
      <p class="note">{text}, layer by layer…</p>
      <ProgressBar label="Layers of this run" share={share} />
    </div>
  );
}

interface FailedProps {
  readonly failure: NonNullable<TextView['failure']>;
  readonly onChooseAgain: TextPanelProps['onChooseAgain'];
}

function Failed({ failure: { name, message, opening }, onChooseAgain }: FailedProps) {
  return (
    <>
      <p class="problem-text">It cannot be run. {message}</p>
      {onChooseAgain && opening && name === 'InputError' && (
        <button type="button" onClick={onChooseAgain}>
          Choose the model’s folder again
        </button>
      )}
    </>
  );
}

const END_WORDS = { model: 'ended by itself', length: undefined, context: 'context full' } as const;

/** `100 tokens · 45.1 tokens/s · prompt 0.12 s`. */
function speedWords({ state, tokens, promptSeconds, tokensPerSecond, end }: TextView): string {
  const parts = [
    tokens.length > 0 && `${tokens.length} tokens`,
    tokensPerSecond !== undefined && `${formatRate(tokensPerSecond)} tokens/s`,
    promptSeconds !== undefined && `prompt ${formatSeconds(promptSeconds)}`,
    end && END_WORDS[end],
    state === 'stopped' && 'stopped',
  ];
  return parts.filter(Boolean).join(' · ');
}
