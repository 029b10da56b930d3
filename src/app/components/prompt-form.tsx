import type { ComponentChildren, ComponentProps } from 'preact';
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
        <Settings draft={draft} />
      </div>
      {draft.temperature.value > 0 && <Choice draft={draft} />}
    </form>
  );
}

function Settings({ draft: { maxTokens, temperature } }: { draft: PromptDraft }) {
  return (
    <>
      <Setting
        id="max-tokens"
        label="at most"
        unit={<Term of="token">tokens</Term>}
        value={maxTokens.value}
        min={1}
        step={10}
        onValue={(value) => {
          maxTokens.value = Math.round(value);
        }}
      />
      <Setting
        id="temperature"
        label={<Term of="temperature" />}
        value={temperature.value}
        min={0}
        max={10}
        step={0.1}
        onValue={(value) => {
          temperature.value = value;
        }}
      />
    </>
  );
}

/** Among which tokens is chosen. */
function Choice({ draft: { topK, topP } }: { draft: PromptDraft }) {
  return (
    <details>
      <summary>More</summary>
      <div class="row">
        <Setting
          id="top-k"
          label={<Term of="top-k" />}
          value={topK.value}
          min={0}
          step={10}
          onValue={(value) => {
            topK.value = Math.round(value);
          }}
        />
        <Setting
          id="top-p"
          label={<Term of="top-p" />}
          value={topP.value}
          min={0.01}
          max={1}
          step={0.05}
          onValue={(value) => {
            topP.value = value;
          }}
        />
      </div>
    </details>
  );
}

type SettingProps = Omit<ComponentProps<typeof NumberField>, 'id' | 'label'> & {
  readonly id: string;
  readonly label: ComponentChildren;
  readonly unit?: ComponentChildren;
};

function Setting({ label, unit, ...field }: SettingProps) {
  return (
    <span>
      <label for={field.id}>{label}</label> <NumberField {...field} /> {unit}
    </span>
  );
}
