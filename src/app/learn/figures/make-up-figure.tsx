import { useSignal } from '@preact/signals';
import { useId, useMemo } from 'preact/hooks';
import { LESSON_BITS, LESSON_GROUP } from '../../../learn/data/lesson-facts.ts';
import { bestAmount, type MakeUp, makeUp } from '../../../learn/data/make-up.ts';
import type { RulerData } from '../../../learn/data/ruler-data.ts';
import { STORY } from '../../../learn/data/story.ts';
import { addToHessian, outputChange, power, type TextData } from '../../../learn/data/text-data.ts';
import { formatPercent } from '../../format.ts';
import { useLesson } from '../lesson-state.ts';
import { Loaded, Readout } from '../parts/figure.tsx';

/**
 * A rounded weight's error at each token of the story, which the card's question is about; three other weights that the
 * reader may move against it.
 */
export function MakeUpFigure() {
  const answer = useLesson(
    async (api) => [await api.read(STORY), await api.ruler(LESSON_BITS, LESSON_GROUP)] as const,
    [],
  );
  return (
    <Loaded of={answer.value}>
      {([data, ruler]) => <Weights key={data.tokens.join()} data={data} ruler={ruler} />}
    </Loaded>
  );
}

const signed = (amount: number): string => `${amount < 0 ? '−' : '+'}${Math.abs(amount).toFixed(4)}`;

/** How far the weights can be moved, in the largest of the best amounts. */
const REACH = 1.6;

function Weights({ data, ruler }: { data: TextData; ruler: RulerData }) {
  const { k } = data;
  const h = useMemo(() => {
    const sum = new Float64Array(k * k);
    addToHessian(sum, data, 0, data.tokens.length);
    return sum;
  }, [data, k]);
  const pair = useMemo(() => makeUp(h, k), [h, k]);
  const off = ruler.values[pair.rounded]! - ruler.weight[pair.rounded]!;
  const reach = REACH * Math.abs(bestAmount(h, k, pair.rounded, pair.others[pair.best]!, off));
  const amounts = useSignal<readonly number[]>([0, 0, 0]);
  const moved = pair.others.map((feature, i) => ({ feature, amount: amounts.value[i]! * reach }));
  const alone = outputChange(data, [{ feature: pair.rounded, amount: off }]);
  const now = outputChange(data, [{ feature: pair.rounded, amount: off }, ...moved]);
  const left = Math.sqrt(power(now) / power(alone));
  return (
    <>
      <p>
        Rounding to {LESSON_BITS} bits moved the weight of input <span class="number">{pair.rounded}</span> by{' '}
        <span class="number">{signed(off)}</span>.
      </p>
      <OutputErrors before={alone} now={now} />
      <p class="note">
        Error of the output at each of {data.tokens.length} tokens; grey: before you moved anything.
      </p>
      <div class="readouts">
        <Readout side="one" value={`${formatPercent(left)} %`} label="of the output error is left" />
      </div>
      <Sliders
        pair={pair}
        amounts={amounts.value}
        reach={reach}
        onChange={(next) => (amounts.value = next)}
      />
    </>
  );
}

interface SlidersProps {
  readonly pair: MakeUp;
  /** Of each weight, −1 … 1. */
  readonly amounts: readonly number[];
  readonly reach: number;
  readonly onChange: (amounts: readonly number[]) => void;
}

function Sliders({ pair, amounts, reach, onChange }: SlidersProps) {
  const id = useId();
  return (
    <div class="weights">
      {pair.others.map((feature, i) => (
        <div key={feature} class="weight">
          <label for={`${id}${i}`}>
            {['first', 'second', 'third'][i]}: input <span class="number">{feature}</span>
          </label>
          <input
            id={`${id}${i}`}
            type="range"
            min={-1}
            max={1}
            step={0.02}
            value={amounts[i]}
            aria-valuetext={(amounts[i]! * reach).toFixed(4)}
            onInput={(event) => onChange(amounts.with(i, event.currentTarget.valueAsNumber))}
          />
          <span class="number">{signed(amounts[i]! * reach)}</span>
        </div>
      ))}
    </div>
  );
}

function OutputErrors({ before, now }: Record<'before' | 'now', Float64Array>) {
  const most = Math.max(...before.map(Math.abs), ...now.map(Math.abs)) || 1;
  const path = (values: Float64Array) =>
    Array.from(values, (value, i) => `M${i + 0.5} 50V${(50 - (value / most) * 48).toFixed(2)}`).join('');
  return (
    <svg
      class="bars errors"
      viewBox={`0 0 ${before.length} 100`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`Output error at each token: ${formatPercent(Math.sqrt(power(now) / power(before)))} % of it is left`}
    >
      <path class="before" d={path(before)} />
      <path class="one" d={path(now)} />
    </svg>
  );
}
