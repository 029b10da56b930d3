import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { JobRecord } from '../../../workers/api/jobs.ts';
import { BitsSlider } from '../components/bits-slider.tsx';
import { CandidatePicker } from '../components/candidate-picker.tsx';
import { ChooseFooter } from '../components/choose-footer.tsx';
import { ErrorCurve } from '../components/error-curve.tsx';
import { FitRow } from '../components/fit-row.tsx';
import { Grid } from '../components/grid.tsx';
import { Notice } from '../components/notice.tsx';
import { Term } from '../components/term.tsx';
import { formatBits, formatBytes, formatPercent } from '../format.ts';
import { AllocationChoice, type CurvePoint, pointOf, totalError } from '../state/allocation-choice.ts';
import { useApp } from '../state/app-state.ts';
import { allocationView } from '../state/result-view.ts';

/** The measurement is done: which bits go where? */
export function ChooseScreen({ record }: { record: JobRecord }) {
  const { api } = useApp();
  const choice = useMemo(() => new AllocationChoice(api, record), [api, record.id]);
  useEffect(() => () => choice.close(), [choice]);
  const selected = useSignal<string | undefined>(undefined);
  const view = useComputed(() => choice.allocation.value && allocationView(record, choice.allocation.value));
  return (
    <>
      <section class="card" aria-label="Target">
        <BitsSlider bits={choice.bits.value} onBits={(bits) => choice.setBits(bits)} />
        {record.model.running && (
          <FitRow
            need={record.model.running}
            bits={choice.bits.value}
            headBits={record.options.headBits}
            onBits={(bits) => choice.setBits(bits)}
          />
        )}
        {choice.problem.value ? (
          <Notice kind="problem" title="This does not fit">
            {choice.problem.value}
          </Notice>
        ) : (
          <Outcome choice={choice} />
        )}
        <ChooseFooter choice={choice} />
      </section>
      <div class="beside">
        {view.value && (
          <Grid
            caption="The allocation: bits of every linear and error of every module"
            view={view.value}
            chosen
            selected={selected.value}
            pinned={choice.pinned.value}
            onSelect={(module) => {
              selected.value = module;
            }}
          />
        )}
        <div class="side">
          <section class="panel" aria-label="Error against size">
            <h2>Error against size</h2>
            <ErrorCurve curve={choice.curve.value} now={pointNow(choice)} />
          </section>
          <CandidatePicker choice={choice} moduleKey={selected.value} />
        </div>
      </div>
    </>
  );
}

function pointNow(choice: AllocationChoice): CurvePoint | undefined {
  const allocation = choice.allocation.value;
  return allocation && pointOf(allocation.bitsPerWeight, allocation);
}

/** What the target comes to. */
function Outcome({ choice }: { choice: AllocationChoice }) {
  const allocation = choice.allocation.value;
  if (!allocation) return <p class="sentence">Allocating…</p>;
  const { model } = choice.record;
  return (
    <p class="sentence">
      <strong class="number">
        {formatBytes(model.bytes)} → {formatBytes(allocation.outputBytes)}
      </strong>
      , <span class="number">{formatBits(allocation.bitsPerWeight)}</span> <Term of="bpw" />;{' '}
      <Term of="total error" /> <span class="number">{totalError(allocation.modules).toFixed(3)}</span>,
      largest <span class="number">{formatPercent(allocation.maxError)}</span> %.
    </p>
  );
}
