import { basename } from 'node:path';
import { checkVocabularies } from '../../evaluate/compare-models.ts';
import type { Metrics } from '../../evaluate/metrics.ts';
import type { TokenRows } from '../../evaluate/token-statistics.ts';
import { nodeDirectory } from '../../io/platform/node/node-directory.ts';
import { nodeModelDirectory } from '../../io/platform/node/node-model-directory.ts';
import { openRunnableModel, type RunnableModel } from '../../runnable/runnable-model.ts';
import { storedBits } from '../../runnable/stored-bits.ts';
import { type TextChoice, textRows } from '../evaluate/text.ts';
import type { CliOptions } from '../options.ts';
import { type ConversionPlace, Conversions, removeJob } from './conversions.ts';
import { compareWith, type EvaluationGpu, type RunOriginal, runOriginal } from './on-gpu.ts';
import type { QualityReport } from './report.ts';
import { type Found, ratioOf, type Seconds } from './result.ts';
import type { ModelSteps, Step } from './steps.ts';

export interface QualityRequest {
  readonly models: readonly ModelSteps[];
  /** What all variants share: how the context is stretched, and so on. */
  readonly common: CliOptions;
  readonly text: TextChoice;
  /** Where relative paths start. */
  readonly cwd: string;
  /** Outputs stay; otherwise each is removed once it has been compared. */
  readonly keep: boolean;
  readonly evaluation: EvaluationGpu;
  readonly conversion: ConversionPlace;
}

/** An original, and the text in its tokens. */
interface OpenModel extends ModelSteps {
  readonly model: RunnableModel;
  readonly rows: TokenRows;
}

interface Outcome {
  readonly seconds: Seconds;
  readonly found?: Found;
  readonly error?: unknown;
}

/** One comparison: converts and evaluates, step by step. */
export class QualityRun {
  readonly #request: QualityRequest;
  readonly #report: QualityReport;
  readonly #signal: AbortSignal;
  readonly #conversions: Conversions;

  constructor(request: QualityRequest, report: QualityReport, signal: AbortSignal) {
    this.#request = request;
    this.#report = report;
    this.#signal = signal;
    this.#conversions = new Conversions(request.conversion);
  }

  /**
   * Reports each result as it comes; a step that fails stops no other. All models and texts are looked at before the
   * first one.
   * @throws InputError for what is wrong with those, and the signal's reason when it is aborted.
   */
  async run(): Promise<void> {
    const opened: OpenModel[] = [];
    for (const steps of this.#request.models) opened.push(await this.#open(steps));
    for (const model of opened) await this.#compare(model);
  }

  async #open(modelSteps: ModelSteps): Promise<OpenModel> {
    const { common, text, cwd } = this.#request;
    const { inDir, steps } = modelSteps;
    const model = await openRunnableModel(nodeModelDirectory(inDir), common);
    for (const step of steps) if (step.kind === 'finished') checkVocabularies(model, step.model);
    return { ...modelSteps, model, rows: await textRows(inDir, text, cwd, this.#signal) };
  }

  async #compare({ inDir, steps, model, rows }: OpenModel): Promise<void> {
    const name = basename(inDir);
    this.#report.beginOriginal(name);
    const original = await runOriginal(this.#request.evaluation, model, rows, this.#evaluating());
    const { perplexity } = original;
    this.#report.original({ model: name, rows: rows.rows, length: rows.length, perplexity });
    const first = new Map<number, Metrics>();
    for (const step of steps) await this.#step(name, step, original, first);
  }

  /** @param first metrics of the first variant, by bits. */
  async #step(model: string, step: Step, original: RunOriginal, first: Map<number, Metrics>): Promise<void> {
    const { name, bits } = step;
    const folder = step.kind === 'convert' ? step.job.options.outputDir : step.model.source.name;
    const isKept = this.#request.keep || step.kind === 'finished';
    const facts = { model, name, bits, ...(isKept && { folder }) };
    this.#report.beginStep(model, step);
    const { error, ...outcome } = await this.#outcome(step, original, first);
    if (error === undefined) await this.#report.result({ ...facts, ...outcome });
    else await this.#report.failed({ ...facts, ...outcome }, error);
  }

  /** What a step has found, or why it failed. */
  async #outcome(step: Step, original: RunOriginal, first: Map<number, Metrics>): Promise<Outcome> {
    let seconds: Seconds = {};
    try {
      if (step.kind === 'convert') seconds = await this.#convert(step);
      const started = performance.now();
      const found = await this.#evaluate(step, original, first);
      return { seconds: { ...seconds, evaluating: (performance.now() - started) / 1000 }, found };
    } catch (error) {
      this.#signal.throwIfAborted();
      return { seconds, error };
    } finally {
      if (step.kind === 'convert' && !this.#request.keep) await removeJob(step.job);
    }
  }

  #convert({ job }: Extract<Step, { kind: 'convert' }>): Promise<Seconds> {
    return this.#conversions.run(job, (event) => this.#report.see(event), this.#signal);
  }

  async #evaluate(step: Step, original: RunOriginal, first: Map<number, Metrics>): Promise<Found> {
    const { common, evaluation } = this.#request;
    const model =
      step.kind === 'finished'
        ? step.model
        : await openRunnableModel(nodeDirectory(step.job.options.outputDir), common);
    const measures = await compareWith(evaluation, original, model, this.#evaluating());
    const base = step.bits === undefined ? undefined : first.get(step.bits);
    if (step.kind === 'convert' && step.isFirst) first.set(step.bits, measures);
    return {
      storedBits: storedBits(model),
      bytes: model.source.weightFiles().reduce((sum, { size }) => sum + size, 0),
      measures,
      ratio: base && ratioOf(measures, base),
    };
  }

  #evaluating(): (done: number, total: number) => void {
    return (done, total) => {
      this.#signal.throwIfAborted();
      this.#report.evaluating(done, total);
    };
  }
}
