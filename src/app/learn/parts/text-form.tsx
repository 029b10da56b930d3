import { useSignal } from '@preact/signals';
import { useId } from 'preact/hooks';
import { STORY } from '../../../learn/data/story.ts';
import { lessonText } from '../lesson-state.ts';

/** The reader's own text in place of the story. */
export function TextForm() {
  const id = useId();
  const written = useSignal('');
  const own = lessonText.value !== STORY;
  return (
    <form
      class="text-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (written.value.trim()) lessonText.value = written.value;
      }}
    >
      <label for={id} class="note">
        Your own sentence
      </label>
      <input
        id={id}
        type="text"
        maxLength={1000}
        value={written.value}
        onInput={(event) => {
          written.value = event.currentTarget.value;
        }}
      />
      <button type="submit">Use it</button>
      {own && (
        <button
          type="button"
          class="quiet"
          onClick={() => {
            lessonText.value = STORY;
          }}
        >
          The story again
        </button>
      )}
    </form>
  );
}
