import { useSignal } from '@preact/signals';
import type { LogLine } from '../state/job-view.ts';

/** What happened so far, the latest first. Drawn only while it is unfolded. */
export function Log({ lines }: { lines: readonly LogLine[] }) {
  const open = useSignal(false);
  return (
    <details
      class="log"
      onToggle={(event) => {
        open.value = event.currentTarget.open;
      }}
    >
      <summary>
        Log <span class="note number">{lines.length === 1 ? '1 line' : `${lines.length} lines`}</span>
      </summary>
      {open.value && (
        <ol
          class="log-lines"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: it is to be scrolled by keyboard
          tabIndex={0}
          aria-label="Log"
        >
          {lines.toReversed().map(({ text, time, warning }, index) => (
            <li key={lines.length - index} class={warning ? 'warning-line' : undefined}>
              <time class="number">{new Date(time).toLocaleTimeString('en-GB')}</time> {text}
            </li>
          ))}
        </ol>
      )}
    </details>
  );
}
