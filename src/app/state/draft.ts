import { batch, computed, effect, signal } from '@preact/signals';
import type { CoordinatorApi } from '../../../workers/api/coordinator.ts';
import type { ModelSource, OutputTarget } from '../../../workers/api/folders.ts';
import type { GpuFacts } from '../../../workers/api/gpu.ts';
import type { ModelFacts } from '../../../workers/api/model.ts';
import type { Gpus, JobOptions, JobPlan } from '../../../workers/api/options.ts';
import type { Precision } from '../../autotune/precision.ts';
import type { BitWidth } from '../../exl2/params.ts';
import { suggestedMemoryBudget } from '../platform/main-memory.ts';
import { failureOf, type Loadable, latestOnly, latestValue } from './loadable.ts';

/** Bits per weight that people know. */
export const KNOWN_BITS = [2.5, 3, 4, 5, 6, 8] as const;
export const BITS_RANGE = { min: 2.2, max: 8, step: 0.05 } as const;

/** A measurement.json that was loaded, with its file's name. */
export interface LoadedMeasurement {
  readonly name: string;
  readonly json: unknown;
}

interface CalibrationGiven {
  readonly source: ModelSource;
  readonly file: File;
  readonly preset: JobOptions['preset'];
}

/** The conversion that is being planned: its model and the options so far. */
export class Draft {
  readonly source = signal<ModelSource | undefined>(undefined);
  readonly model = signal<Loadable<ModelFacts>>({ state: 'idle' });
  readonly plan = signal<Loadable<JobPlan>>({ state: 'idle' });

  readonly bits = signal<readonly number[]>([4]);
  /** Which of the bitrates the slider moves. */
  readonly active = signal(0);
  readonly headBits = signal<BitWidth>(6);
  readonly quantizer = signal<JobOptions['quantizer']>('refined');
  readonly precision = signal<Precision>('mixed');
  readonly preset = signal<JobOptions['preset']>('standard');
  readonly calibrationFile = signal<File | undefined>(undefined);
  /** Whether the user's own text can be used; idle without one. */
  readonly calibration = signal<Loadable<true>>({ state: 'idle' });
  readonly isCalibrationBlocked = computed(
    () => this.calibration.value.state === 'loading' || this.calibration.value.state === 'failed',
  );
  readonly measurement = signal<LoadedMeasurement | undefined>(undefined);
  readonly chooseAfterMeasuring = signal(false);
  readonly gpuBudgetBytes = signal(0);
  /** 0: without limit. */
  readonly memoryBudgetBytes = signal(suggestedMemoryBudget());
  readonly workers = signal(1);
  readonly gpus = signal<Gpus>(['high-performance']);
  readonly cacheTokens = signal(4096);
  readonly output = signal<OutputTarget | undefined>({ kind: 'storage' });

  readonly options = computed<JobOptions>(() => ({
    bits: this.bits.value,
    headBits: this.headBits.value,
    quantizer: this.quantizer.value,
    precision: this.precision.value,
    preset: this.preset.value,
    ...(this.calibrationFile.value && { calibrationFile: this.calibrationFile.value }),
    ...(this.measurement.value && { measurement: this.measurement.value.json }),
    chooseAfterMeasuring: this.chooseAfterMeasuring.value,
    gpuBudgetBytes: this.gpuBudgetBytes.value,
    ...(this.memoryBudgetBytes.value > 0 && { memoryBudgetBytes: this.memoryBudgetBytes.value }),
    workers: this.workers.value,
    gpus: this.gpus.value,
    seed: 0,
  }));

  readonly #api: CoordinatorApi;

  constructor(api: CoordinatorApi) {
    this.#api = api;
    const refresh = latestOnly((input: { source: ModelSource; options: JobOptions }) =>
      this.#makePlan(input),
    );
    effect(() => {
      const source = this.source.value;
      const options = this.options.value;
      if (source && this.model.value.state === 'ready' && options.gpuBudgetBytes > 0) {
        void refresh({ source, options });
      }
    });
    const check = latestOnly((given: CalibrationGiven | undefined) => this.#checkCalibration(given));
    effect(() => {
      const [source, file] = [this.source.value, this.calibrationFile.value];
      const preset = this.preset.value;
      const isReady = source && file && this.model.value.state === 'ready';
      void check(isReady ? { source, file, preset } : undefined);
    });
  }

  /** Takes a model and looks at it. */
  async open(source: ModelSource): Promise<void> {
    const loading = { state: 'loading' } as const;
    batch(() => {
      this.source.value = source;
      this.model.value = loading;
      this.plan.value = { state: 'idle' };
      this.measurement.value = undefined;
    });
    let model: Loadable<ModelFacts>;
    try {
      model = { state: 'ready', value: await this.#api.inspect(source) };
    } catch (error) {
      model = { state: 'failed', failure: failureOf(error) };
    }
    // Another model may have been chosen meanwhile, or this one again.
    if (this.model.value === loading) this.model.value = model;
  }

  /** Takes these GPUs, and what they suggest. */
  chooseGpus(choice: Gpus, facts: readonly GpuFacts[]): void {
    batch(() => {
      this.gpus.value = choice;
      this.gpuBudgetBytes.value = Math.min(...facts.map(({ budgetBytes }) => budgetBytes));
      this.preset.value = facts.some(({ software }) => software) ? 'quick' : 'standard';
    });
  }

  /** Sets the bitrate that the slider moves. */
  setBits(bits: number): void {
    const rounded = Math.round(Math.min(BITS_RANGE.max, Math.max(BITS_RANGE.min, bits)) * 100) / 100;
    this.bits.value = this.bits.value.with(this.active.value, rounded);
  }

  /** Adds the known bitrate below the lowest of the list, or the first that is missing. */
  addBits(): void {
    const present = this.bits.value;
    const lower = KNOWN_BITS.findLast((bits) => bits < Math.min(...present));
    const added = lower ?? KNOWN_BITS.find((bits) => !present.includes(bits)) ?? BITS_RANGE.max;
    batch(() => {
      this.bits.value = [...present, added];
      this.active.value = present.length;
    });
  }

  removeBits(index: number): void {
    batch(() => {
      this.bits.value = this.bits.value.toSpliced(index, 1);
      this.active.value = Math.min(this.active.value, this.bits.value.length - 1);
    });
  }

  /** Opens it now: after an hour's work would be late. */
  async #checkCalibration(given: CalibrationGiven | undefined): Promise<void> {
    this.calibration.value = { state: given ? 'loading' : 'idle' };
    if (!given) return;
    try {
      await this.#api.checkCalibration(given.source, given.file, given.preset);
      this.calibration.value = { state: 'ready', value: true };
    } catch (error) {
      this.calibration.value = { state: 'failed', failure: failureOf(error) };
    }
  }

  async #makePlan({ source, options }: { source: ModelSource; options: JobOptions }): Promise<void> {
    const before = latestValue(this.plan.peek());
    this.plan.value = before ? { state: 'loading', before } : { state: 'loading' };
    try {
      const value = await this.#api.plan(source, options);
      if (this.source.peek() === source) this.plan.value = { state: 'ready', value };
    } catch (error) {
      this.plan.value = { state: 'failed', failure: failureOf(error) };
    }
  }
}
