import { useSignal } from '@preact/signals';
import { BIT_WIDTHS } from '../../exl2/params.ts';
import { useApp } from '../state/app-state.ts';
import { failureOf } from '../state/loadable.ts';
import { NumberField } from './number-field.tsx';
import { Term } from './term.tsx';

const WORKER_COUNTS = [1, 2, 3, 4];

/** Options that few need to touch. */
export function PlanMore() {
  const { draft } = useApp();
  const budget = draft.gpuBudgetBytes.value;
  const isShared = draft.gpus.value.length > 1;
  return (
    <details class="more field">
      <summary>More options</summary>
      <div class="options">
        <label for="head-bits">Output head</label>
        <div>
          <select
            id="head-bits"
            value={draft.headBits.value}
            onChange={(event) => {
              const chosen = BIT_WIDTHS.find((bits) => String(bits) === event.currentTarget.value);
              if (chosen) draft.headBits.value = chosen;
            }}
          >
            {BIT_WIDTHS.map((bits) => (
              <option key={bits} value={bits}>
                {bits} bits
              </option>
            ))}
          </select>{' '}
          <Term of="head bits">what is this?</Term>
        </div>
        <QuantizerOption />
        <PrecisionOption />
        <CalibrationOptions />
        <MeasurementOption />
        <label for="gpu-budget">GPU memory</label>
        <div>
          at most{' '}
          <NumberField
            id="gpu-budget"
            value={Number((budget / 1e9).toFixed(2))}
            min={0.1}
            step={0.1}
            onValue={(value) => {
              draft.gpuBudgetBytes.value = Math.round(value * 1e9);
            }}
          />{' '}
          GB{isShared && ' on each GPU'} <Term of="GPU memory budget">why limit it?</Term>
        </div>
        <MemoryOption />
        <WorkersOption />
      </div>
    </details>
  );
}

function MemoryOption() {
  const { memoryBudgetBytes } = useApp().draft;
  return (
    <>
      <label for="memory-budget">Main memory</label>
      <div>
        at most{' '}
        <NumberField
          id="memory-budget"
          value={Number((memoryBudgetBytes.value / 1e9).toFixed(2))}
          min={0}
          step={0.1}
          onValue={(value) => {
            memoryBudgetBytes.value = Math.round(value * 1e9);
          }}
        />{' '}
        GB, 0 for no limit <Term of="main memory budget">why limit it?</Term>
      </div>
    </>
  );
}

function WorkersOption() {
  const { draft } = useApp();
  const where = draft.gpus.value.length > 1 ? 'each GPU' : 'the GPU';
  return (
    <>
      <label for="worker-count">
        <Term of="worker">Workers</Term>
      </label>
      <div>
        <select
          id="worker-count"
          aria-label="Workers"
          value={draft.workers.value}
          onChange={(event) => {
            draft.workers.value = Number(event.currentTarget.value);
          }}
        >
          {WORKER_COUNTS.map((count) => (
            <option key={count} value={count}>
              {`${count} on ${where}`}
            </option>
          ))}
        </select>
        <p class="note">One keeps most GPUs busy; several share the GPU memory.</p>
      </div>
    </>
  );
}

function QuantizerOption() {
  const { draft } = useApp();
  return (
    <>
      <label for="quantizer">
        <Term of="quantizer">Quantizer</Term>
      </label>
      <div>
        <select
          id="quantizer"
          aria-label="Quantizer"
          value={draft.quantizer.value}
          onChange={(event) => {
            draft.quantizer.value = event.currentTarget.value === 'exllamav2' ? 'exllamav2' : 'refined';
          }}
        >
          <option value="refined">refined: less error in the same bits</option>
          <option value="exllamav2">as ExLlamaV2: the original rules</option>
        </select>
      </div>
    </>
  );
}

/** Without matrix units everything is f32. */
function PrecisionOption() {
  const { draft, plannedGpus } = useApp();
  if (!plannedGpus.value.some((gpu) => gpu.matrixFlopsPerSecond > 0)) return null;
  return (
    <>
      <label for="precision">
        <Term of="precision">Precision</Term>
      </label>
      <div>
        <select
          id="precision"
          aria-label="Precision of products"
          value={draft.precision.value}
          onChange={(event) => {
            draft.precision.value = event.currentTarget.value === 'f32' ? 'f32' : 'mixed';
          }}
        >
          <option value="mixed">mixed: faster, by matrix units</option>
          <option value="f32">f32: 32 bits throughout</option>
        </select>
      </div>
    </>
  );
}

function CalibrationOptions() {
  const { draft } = useApp();
  return (
    <>
      <label for="preset">
        <Term of="calibration">Calibration</Term>
      </label>
      <div>
        <select
          id="preset"
          aria-label="Amount of calibration text"
          value={draft.preset.value}
          onChange={(event) => {
            draft.preset.value = event.currentTarget.value === 'quick' ? 'quick' : 'standard';
          }}
        >
          <option value="standard">standard: 115 rows of 2048 tokens, as ExLlamaV2</option>
          <option value="quick">quick: as few tokens as the model’s width allows</option>
        </select>
      </div>
      <label for="calibration-file">Own text</label>
      <div>
        <input
          id="calibration-file"
          type="file"
          accept=".parquet,.jsonl,.txt"
          onChange={(event) => {
            draft.calibrationFile.value = event.currentTarget.files?.[0];
          }}
        />
        <p class="note">Instead of the built-in mix: .txt, .jsonl or .parquet.</p>
      </div>
    </>
  );
}

function MeasurementOption() {
  const { draft } = useApp();
  const problem = useSignal<string | undefined>(undefined);
  const load = async (file: File | undefined) => {
    draft.measurement.value = undefined;
    problem.value = undefined;
    try {
      if (file) draft.measurement.value = { name: file.name, json: JSON.parse(await file.text()) };
    } catch (error) {
      problem.value = `${file?.name} is not JSON: ${failureOf(error).message}`;
    }
  };
  return (
    <>
      <label for="measurement-file">
        <Term of="measurement">Measurement</Term>
      </label>
      <div>
        <input
          id="measurement-file"
          type="file"
          accept=".json"
          onChange={(event) => void load(event.currentTarget.files?.[0])}
        />
        <p class="note">
          A measurement.json of this model, by this page or by ExLlamaV2: nothing is measured again.
        </p>
        {problem.value && <p class="problem-text">{problem.value}</p>}
      </div>
    </>
  );
}
