import type { PromptDraft } from '../state/prompt-draft.ts';
import { NumberField } from './number-field.tsx';
import { Term } from './term.tsx';

interface PromptFormProps {
  readonly draft: PromptDraft;
  readonly running: boolean;
  readonly onWrite: () => void;
  readonly onStop: () => void;
}

/** The prompt and how it is continued; the one button writes, and stops. */
export function PromptForm({ draft, running, onWrite, onStop }: PromptFormProps) {
  return (
    <form
      class="prompt-form"
      noValidate // the fields round and refuse by themselves
      onSubmit={(event) => {
        event.preventDefault();
        if (running) onStop();
        else onWrite();
      }}
    >
      <label for="prompt">Prompt</label>
      <textarea
        id="prompt"
        rows={2}
        value={draft.prompt.value}
        onInput={(event) => {
          draft.prompt.value = event.currentTarget.value;
        }}
      />
      <div class="row">
        <button type="submit" class="primary">
          {running ? 'Stop' : 'Generate'}
        </button>
        <span>
          <label for="max-tokens">at most</label>{' '}
          <NumberField
            id="max-tokens"
            value={draft.maxTokens.value}
            min={1}
            step={10}
            onValue={(value) => {
              draft.maxTokens.value = Math.round(value);
            }}
          />{' '}
          <Term of="token">tokens</Term>
        </span>
        <span>
          <label for="temperature">
            <Term of="temperature" />
          </label>{' '}
          <NumberField
            id="temperature"
            value={draft.temperature.value}
            min={0}
            max={10}
            step={0.1}
            onValue={(value) => {
              draft.temperature.value = value;
            }}
          />
        </span>
      </div>
      {draft.temperature.value > 0 && <Choice draft={draft} />}
    </form>
  );
}

/** Among which tokens is chosen. */
function Choice({ draft }: { draft: PromptDraft }) {
  return (
    <details>
      <summary>More</summary>
      <div class="row">
        <span>
          <label for="top-k">
            <Term of="top-k" />
          </label>{' '}
          <NumberField
            id="top-k"
            value={draft.topK.value}
            min={0}
            step={10}
            onValue={(value) => {
              draft.topK.value = Math.round(value);
            }}
          />
        </span>
        <span>
          <label for="top-p">
            <Term of="top-p" />
          </label>{' '}
          <NumberField
            id="top-p"
            value={draft.topP.value}
            min={0.01}
            max={1}
            step={0.05}
            onValue={(value) => {
              draft.topP.value = value;
            }}
          />
        </span>
      </div>
    </details>
  );
}
