import { useSignal } from '@preact/signals';
import { moduleName } from '../../../learn/data/menu.ts';
import { equalChoice, menuOf, type ShareSum, sumOf, weightsOf } from '../../../learn/data/share.ts';
import type { StoredMeasurement, StoredModule } from '../../../learn/data/stored-lessons.ts';
import { formatBits, formatPercent } from '../../format.ts';
import { bitsStep } from '../../scales.ts';
import { CARDS } from '../cards.ts';
import { useLesson } from '../lesson-state.ts';
import { Loaded, Readout } from '../parts/figure.tsx';
import { guessOf } from '../parts/guess.tsx';

/** Bits per weight for all modules together. */
const BUDGET = 4;

/** The reader shares out the bits; beside it the same bits for everyone, and the solver. */
export function ShareFigure() {
  const answer = useLesson(
    async (api) => ({ data: await api.measurement(), solver: await api.share(BUDGET) }),
    [],
  );
  return <Loaded of={answer.value}>{(value) => <Share {...value} />}</Loaded>;
}

function Share({ data, solver }: { data: StoredMeasurement; solver: readonly number[] }) {
  const equal = equalChoice(data, BUDGET);
  const choice = useSignal<readonly number[]>(equal);
  const guessed = guessOf(CARDS[6]!).value !== undefined;
  const own = sumOf(data, choice.value);
  return (
    <>
      <ol class="shares">
        {data.modules.map((module, i) => (
          <ModuleLine
            key={module.key}
            module={module}
            chosen={choice.value[i]!}
            onChoose={(candidate) => {
              choice.value = choice.value.with(i, candidate);
            }}
          />
        ))}
      </ol>
      <Sums own={own} equal={sumOf(data, equal)} solver={guessed ? sumOf(data, solver) : undefined} />
      <div class="row controls">
        <button type="button" onClick={() => (choice.value = equal)}>
          Everyone equal
        </button>
        <button type="button" disabled={!guessed} onClick={() => (choice.value = solver)}>
          {guessed ? 'Let the solver' : 'Let the solver (guess first)'}
        </button>
      </div>
    </>
  );
}

function Sums({ own, equal, solver }: Record<'own' | 'equal', ShareSum> & { solver: ShareSum | undefined }) {
  const over = own.bitsPerWeight > BUDGET + 1e-9;
  return (
    <div class="readouts" role="status">
      <Readout
        {...(over && { side: 'other' as const })}
        value={formatBits(own.bitsPerWeight)}
        label={over ? `bits: over ${formatBits(BUDGET)}` : `bits, of ${formatBits(BUDGET)}`}
      />
      <Readout side="one" value={`${formatPercent(own.error)} %`} label="error, yours" />
      <Readout value={`${formatPercent(equal.error)} %`} label="everyone equal" />
      <Readout value={solver ? `${formatPercent(solver.error)} %` : '?'} label="the solver" />
    </div>
  );
}

interface ModuleLineProps {
  readonly module: StoredModule;
  /** Its candidate. */
  readonly chosen: number;
  readonly onChoose: (candidate: number) => void;
}

/** A module with its bits as a bar; − and + go along its menu. */
function ModuleLine({ module, chosen, onChoose }: ModuleLineProps) {
  const menu = menuOf(module);
  const candidate = module.candidates[chosen]!;
  const [less, more] = [
    menu.findLast((index) => module.candidates[index]!.bits < candidate.bits),
    menu.find((index) => module.candidates[index]!.bits > candidate.bits),
  ];
  const bits = candidate.bits / weightsOf(module);
  const name = moduleName(module.key);
  return (
    <li>
      <span class="share-name">{name}</span>
      <button
        type="button"
        aria-label={`${name}: fewer bits`}
        disabled={less === undefined}
        onClick={() => onChoose(less!)}
      >
        −
      </button>
      <span class="share-bar">
        <span class={`b${bitsStep(bits)}`} style={{ width: `${(bits / 8.3) * 100}%` }}>
          {formatBits(bits)}
        </span>
      </span>
      <button
        type="button"
        aria-label={`${name}: more bits`}
        disabled={more === undefined}
        onClick={() => onChoose(more!)}
      >
        +
      </button>
      <span class="number share-error">{formatPercent(candidate.error)} %</span>
    </li>
  );
}
