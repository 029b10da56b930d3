import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { JobRecord, TargetResult } from '../../../workers/api/jobs.ts';
import { download } from '../platform/save-files.ts';
import { shareWords } from '../result-words.ts';
import { CARD, drawCard } from '../share-card.ts';

interface ShareSectionProps {
  readonly record: JobRecord;
  readonly result: TargetResult;
}

/** A picture and a text to pass on. */
export function ShareSection({ record, result }: ShareSectionProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const said = useSignal('');
  const text = shareWords(record, result);
  useEffect(() => {
    const draw = () => canvas.current && drawCard(canvas.current, record, result);
    draw();
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', draw);
    return () => dark.removeEventListener('change', draw);
  }, [record, result]);
  const save = () =>
    canvas.current?.toBlob((picture) => {
      if (picture) download(picture, `${record.modelName}-${result.bits}bpw.png`);
    });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      said.value = 'Copied.';
    } catch {
      said.value = 'The browser does not let the page copy: select the text instead.';
    }
  };
  return (
    <section class="panel share" aria-labelledby="share">
      <h2 id="share">Pass it on</h2>
      <canvas
        ref={canvas}
        width={CARD.width}
        height={CARD.height}
        role="img"
        aria-label={`Picture of the grid: ${text}`}
      />
      <p class="share-text">{text}</p>
      <div class="row">
        <button type="button" onClick={save}>
          Save the picture
        </button>
        <button type="button" onClick={() => void copy()}>
          Copy the text
        </button>
        <span class="note" role="status">
          {said.value}
        </span>
      </div>
    </section>
  );
}
