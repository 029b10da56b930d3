import { optimize } from '../src/allocate/optimize.ts';
import { weightBytes } from '../src/estimate/output-size.ts';
import type { BitWidth } from '../src/exl2/params.ts';
import type { QuantizerMethod } from '../src/gptq/method.ts';
import { errorOf, type Measurement, measurementFromJson } from '../src/measurement/measurement-json.ts';
import { describeCandidate } from '../src/measurement/module-candidates.ts';
import { moduleWeights } from '../src/model/sizes.ts';
import type { ModelPlan } from '../src/model/spec.ts';
import { InputError } from '../src/util/errors.ts';
import type { AllocationRequest, MeasuredModule, PlannedAllocation } from './api/jobs.ts';
import type { JobBoard } from './job-board.ts';
import { readMeasurement } from './job-steps.ts';
import { planOf } from './open-source.ts';

interface Measured {
  readonly plan: ModelPlan;
  readonly measurement: Measurement;
  readonly method: QuantizerMethod;
  readonly headBits: BitWidth;
}

/** What was measured, for choosing by hand: read once, so that each choice is answered at once. */
export class MeasuredJobs {
  readonly #board: JobBoard;
  readonly #known = new Map<string, Measured>();

  constructor(board: JobBoard) {
    this.#board = board;
  }

  /** measurement.json. Throws InputError before it is there, and when it is damaged: the job can then go on. */
  async json(id: string): Promise<unknown> {
    const { record } = await this.#board.get(id);
    if (!record.measured) throw new InputError('This job has not been measured to the end yet.');
    const json = await readMeasurement(id);
    if (json !== undefined) return json;
    const error = new InputError(
      "What this job has measured is damaged, or has gone from the browser's storage: go on with the job to make it again.",
    );
    const { name, message } = error;
    // Only one that is at rest can go on, and has read nothing of it.
    if (record.state === 'choosing' || record.state === 'done')
      await this.#board.change(id, { measured: false, state: 'failed', error: { name, message } });
    throw error;
  }

  async modules(id: string): Promise<MeasuredModule[]> {
    const { plan, measurement, method } = await this.#measured(id);
    return plan.choices.map((choice) => ({
      key: choice.key,
      candidates: measurement.modules.get(choice.key)!.map((candidate) => ({
        error: errorOf(method, candidate),
        totalBits: candidate.totalBits,
        bitsPerWeight: candidate.totalBits / moduleWeights(choice),
        description: describeCandidate(candidate.params),
      })),
    }));
  }

  async allocate(id: string, { bits, pinned }: AllocationRequest): Promise<PlannedAllocation> {
    const { plan, measurement, method, headBits } = await this.#measured(id);
    const { event } = optimize(plan, measurement, method, bits, pinned);
    return { ...event, outputBytes: weightBytes(plan, headBits, event.usedBits) };
  }

  forget(id: string): void {
    this.#known.delete(id);
  }

  async #measured(id: string): Promise<Measured> {
    const known = this.#known.get(id);
    if (known) return known;
    const json = await this.json(id);
    const { record, headers } = await this.#board.get(id);
    const plan = planOf(headers);
    const measurement = measurementFromJson(json, plan);
    const { quantizer: method, headBits } = record.options;
    const measured = { plan, measurement, method, headBits };
    this.#known.set(id, measured);
    return measured;
  }
}
