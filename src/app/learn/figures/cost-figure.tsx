import { useSignal } from '@preact/signals';
import { expectations, meanDivergence, sameChoice, widestPosition } from '../../../learn/data/cost.ts';
import type { StoredOutput, StoredOutputs, StoredView } from '../../../learn/data/stored-lessons.ts';
import { formatBytes, formatDivergence, formatPercent } from '../../format.ts';
import { useLesson } from '../lesson-state.ts';
import { Loaded, Readout, Segments } from '../parts/figure.tsx';

/** What the original and one of its outputs expect, token by token. */
export function CostFigure() {
  const answer = useLesson((api) => api.outputs(), []);
  return <Loaded of={answer.value}>{(data) => <Cost data={data} />}</Loaded>;
}

function Cost({ data }: { data: StoredOutputs }) {
  const [original, ...outputs] = data.outputs as [StoredOutput, ...StoredOutput[]];
  const bits = useSignal(outputs[0]!.bits!);
  const text = useSignal(0);
  const output = outputs.find((each) => each.bits === bits.value)!;
  const chosen = useSignal<number | undefined>(undefined);
  const own = output.views[text.value]!;
  const position = chosen.value ?? widestPosition(own);
  return (
    <>
      <div class="row controls">
        <BitsSlider
          options={outputs.map((each) => each.bits!)}
          value={bits.value}
          onChange={(value) => {
            bits.value = value;
          }}
        />
        <Segments
          label="Story"
          options={data.texts.map((_, i) => i)}
          value={text.value}
          text={(i) => String(i + 1)}
          onChange={(value) => {
            text.value = value;
            chosen.value = undefined;
          }}
        />
      </div>
      <Ribbon
        data={data}
        text={text.value}
        views={[original.views[text.value]!, own]}
        position={position}
        onChoose={(at) => {
          chosen.value = at;
        }}
      />
      <p class="note">
        Colour: a divergence from below {STEPS[0]} to over {STEPS.at(-1)} nats. Underlined: another likeliest
        token. These four stories are stored, with what each output expected; another text would need the
        models themselves, as after a conversion of your own.
      </p>
      <Expectations
        data={data}
        views={[original.views[text.value]![position]!, own[position]!]}
        next={data.texts[text.value]![position + 1]!}
      />
      <div class="readouts">
        <Readout
          value={formatDivergence(meanDivergence(output))}
          label="mean KL divergence in nats, all stories"
        />
        <Readout value={`${formatPercent(sameChoice(original, output))} %`} label="same likeliest token" />
        <Readout value={formatBytes(output.bytes)} label={`of ${formatBytes(original.bytes)}`} />
      </div>
    </>
  );
}

interface BitsSliderProps {
  /** Rising. */
  readonly options: readonly number[];
  readonly value: number;
  readonly onChange: (bits: number) => void;
}

/** The bitrates that there are outputs of. */
function BitsSlider({ options, value, onChange }: BitsSliderProps) {
  return (
    <label class="stops">
      <span class="note">Bits per weight</span>
      <input
        type="range"
        min={0}
        max={options.length - 1}
        step={1}
        value={options.indexOf(value)}
        aria-valuetext={`${value} bits per weight`}
        onInput={(event) => onChange(options[event.currentTarget.valueAsNumber]!)}
      />
      <span class="stop-names number" aria-hidden="true">
        {options.map((each) => (
          <span key={each} class={each === value ? 'chosen' : undefined}>
            {each}
          </span>
        ))}
      </span>
    </label>
  );
}

interface RibbonProps {
  readonly data: StoredOutputs;
  readonly text: number;
  /** Of the original, of the output. */
  readonly views: readonly [readonly StoredView[], readonly StoredView[]];
  readonly position: number;
  readonly onChoose: (position: number) => void;
}

/** Lower ends of the steps of divergence but the first, nats; each is three times the last. */
const STEPS = [0.01, 0.03, 0.1, 0.3, 1, 3] as const;

const stepOf = (divergence: number): number => STEPS.filter((start) => start <= divergence).length;

/** The text; each token has the colour of how far apart the models were before it. */
function Ribbon({ data: { texts, words }, text, views: [original, own], position, onChoose }: RibbonProps) {
  return (
    <p class="ribbon">
      {texts[text]!.slice(1).map((id, i) => {
        const parted = original[i]!.top[0]![0] !== own[i]!.top[0]![0];
        const word = words[id]!;
        return (
          <button
            key={i}
            type="button"
            class={`e${stepOf(own[i]!.divergence)}${parted ? ' parted' : ''}`}
            aria-pressed={i === position}
            aria-label={`${word.trim() || 'line end'}: divergence ${formatDivergence(own[i]!.divergence)}${parted ? ', other choice' : ''}`}
            onClick={() => onChoose(i)}
          >
            {word.replace('\n', '↵').trim()}
          </button>
        );
      })}
    </p>
  );
}

interface ExpectationsProps {
  readonly data: StoredOutputs;
  readonly views: readonly [StoredView, StoredView];
  /** The token that came. */
  readonly next: number;
}

/** Both models' probabilities of what they thought most likely, side by side. */
function Expectations({ data: { words }, views, next }: ExpectationsProps) {
  const rows = expectations(views, next);
  return (
    <div class="expectations-place">
      <table class="expectations">
        <caption class="note">
          What each expected there; divergence{' '}
          <span class="number">{formatDivergence(views[1].divergence)}</span> nats
        </caption>
        <thead>
          <tr>
            <th scope="col">next</th>
            <th scope="col" class="one">
              original
            </th>
            <th scope="col" class="other">
              copy
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ id, original, own }) => (
            <tr key={id}>
              <th scope="row">
                <code>{words[id]!.replace('\n', '↵').trim() || '␣'}</code>
                {id === next && <span class="note"> came</span>}
              </th>
              <Share side="one" value={original} least={leastOf(views[0])} />
              <Share side="other" value={own} least={leastOf(views[1])} />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The smallest probability that is kept. */
const leastOf = ({ top }: StoredView): number => top.at(-1)![1];

interface ShareProps {
  readonly side: 'one' | 'other';
  /** Undefined: below `least`. */
  readonly value: number | undefined;
  readonly least: number;
}

function Share({ side, value, least }: ShareProps) {
  return (
    <td>
      <span class={`share ${side}`} style={{ width: `${(value ?? 0) * 45}%` }} />
      <span class="number">
        {value === undefined ? `< ${formatPercent(least)} %` : `${formatPercent(value)} %`}
      </span>
    </td>
  );
}
