import type { ComponentChildren } from 'preact';
import type { JobRecord, TargetResult } from '../../../workers/api/jobs.ts';
import { formatBits, formatBytes, formatDivergence, formatPercent } from '../format.ts';
import { changeWords, weightBytes } from '../result-words.ts';
import { Term } from './term.tsx';

interface ResultFiguresProps {
  readonly record: JobRecord;
  readonly result: TargetResult;
}

/** The four figures that people ask for; all but the size are of text that was kept out. */
export function ResultFigures({ record: { model }, result }: ResultFiguresProps) {
  const bytes = weightBytes(result);
  const { evaluation } = result;
  return (
    <dl class="key-figures">
      <Figure
        name="size of the weights"
        value={formatBytes(bytes)}
        note={`of ${formatBytes(model.bytes)}; ${formatBits(result.bitsPerWeight)} bits per weight in the layers`}
      />
      {evaluation && (
        <>
          <Figure
            name={<Term of="perplexity" />}
            value={evaluation.perplexity.model.toPrecision(4)}
            note={`was ${evaluation.perplexity.reference.toPrecision(4)}: ${changeWords(evaluation.perplexity.reference, evaluation.perplexity.model)}`}
          />
          <Figure
            name={<Term of="KL divergence" />}
            value={formatDivergence(evaluation.divergence.mean)}
            note={`nats on average; half of the tokens below ${formatDivergence(evaluation.divergence.median)}`}
          />
          <Figure
            name={<Term of="top-1 agreement">same next token</Term>}
            value={`${formatPercent(evaluation.agreement)} %`}
            note={`of ${(evaluation.rows * evaluation.length).toLocaleString('en')} tokens kept out of the calibration`}
          />
        </>
      )}
    </dl>
  );
}

interface FigureProps {
  readonly name: ComponentChildren;
  readonly value: string;
  readonly note: string;
}

function Figure({ name, value, note }: FigureProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="figure-value number">{value}</dd>
      <dd class="note">{note}</dd>
    </div>
  );
}
