import { useSignal } from '@preact/signals';
import { useMemo, useRef } from 'preact/hooks';
import {
  addToHessian,
  diagonalOf,
  loudestShare,
  loudness,
  type TextData,
} from '../../../learn/data/text-data.ts';
import { formatPercent } from '../../format.ts';
import { lessonText, useLesson } from '../lesson-state.ts';
import { Bars } from '../parts/bars.tsx';
import { Loaded, Readout } from '../parts/figure.tsx';
import { HeatMap } from '../parts/heat-map.tsx';
import { Player } from '../parts/player.tsx';
import { TextForm } from '../parts/text-form.tsx';

/** Tokens by their loudness, and xᵀx as it fills up with them. */
export function TokensFigure() {
  const text = lessonText.value;
  const answer = useLesson((api) => api.read(text), [text]);
  return (
    <>
      <Loaded of={answer.value}>{(data) => <Tokens key={data.tokens.join()} data={data} />}</Loaded>
      <TextForm />
    </>
  );
}

function Tokens({ data }: { data: TextData }) {
  const { k, tokens, x, left } = data;
  const done = useSignal(1);
  const h = useHessian(data, done.value);
  const diagonal = diagonalOf(h, k);
  const loud = useMemo(() => loudness(data), [data]);
  const shown = Math.max(0, done.value - 1);
  return (
    <>
      <p class="ribbon">
        {tokens.map((token, i) => (
          <button
            key={i}
            type="button"
            class={`b${loudStep(loud[i]!, loud)}${i < done.value ? '' : ' later'}`}
            aria-pressed={i === shown}
            onClick={() => {
              done.value = i + 1;
            }}
          >
            {token.replace('\n', '↵').trim()}
          </button>
        ))}
      </p>
      {left > 0 && (
        <p class="note">
          The first {tokens.length} tokens; {left} more are left out.
        </p>
      )}
      <Player what="token" position={done} steps={tokens.length} rate={12} />
      <div class="hessian">
        <figure>
          <HeatMap
            title={`H, ${k} by ${k}, after ${done.value} tokens`}
            width={k}
            values={h}
            limit={topOf(diagonal) / 3}
            root
          />
          <figcaption class="note">
            H = Σ xᵀx, {k} × {k}, symmetric
          </figcaption>
        </figure>
        <div class="bars-column">
          <Bars
            title={`The ${k} inputs of token ${done.value}`}
            values={x.subarray(shown * k, (shown + 1) * k)}
          />
          <p class="note">
            {k} inputs of “{tokens[shown]!.trim() || '↵'}”
          </p>
          <Bars title="The diagonal of H: the power of each input" values={diagonal} />
          <p class="note">Diagonal: each input’s power</p>
          <Readout
            value={`${formatPercent(loudestShare(diagonal))} %`}
            label="of all power is in the loudest tenth"
          />
        </div>
      </div>
    </>
  );
}

const topOf = (values: ArrayLike<number>): number => {
  let top = 1e-9;
  for (let i = 0; i < values.length; i++) top = Math.max(top, values[i]!);
  return top;
};

/** A step of 0 … 8 between the quietest and the loudest token. */
function loudStep(value: number, all: Float64Array): number {
  const [least, most] = [Math.min(...all), Math.max(...all)];
  return Math.round((8 * (value - least)) / (most - least || 1));
}

/** Σ xᵀx of the first `done` tokens; goes on from the last sum where it can. */
function useHessian(data: TextData, done: number): Float64Array {
  const last = useRef<{ readonly done: number; readonly h: Float64Array } | undefined>(undefined);
  if (last.current?.done !== done) {
    const from = last.current && last.current.done <= done ? last.current : undefined;
    const h = from ? from.h.slice() : new Float64Array(data.k * data.k);
    addToHessian(h, data, from?.done ?? 0, done);
    last.current = { done, h };
  }
  return last.current.h;
}
