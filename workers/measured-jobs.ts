import { optimize } from '../src/allocate/optimize.ts';
import { weightBytes } from '../src/estimate/output-size.ts';
import type { BitWidth } from '../src/exl2/params.ts';
import type { QuantizerMethod } from '../src/gptq/method.ts';
import { storageDirectory } from '../src/io/platform/storage/storage.ts';
import { workDirectory } from '../src/io/work/work-directory.ts';
import { ARTEFACT } from '../src/job/artefacts.ts';
import {
  errorOf,
  type MeasuredCandidate,
  type Measurement,
  measurementFromJson,
  moduleFromJson,
} from '../src/measurement/measurement-json.ts';
import { describeCandidate } from '../src/measurement/module-candidates.ts';
import { moduleWeights } from '../src/model/sizes.ts';
import type { ChoiceSpec, ModelPlan } from '../src/model/spec.ts';
import { InputError } from '../src/util/errors.ts';
import type { AllocationRequest, KeptWork, MeasuredModule, PlannedAllocation } from './api/jobs.ts';
import type { JobBoard } from './job-board.ts';
import { readMeasurement } from './job-steps.ts';
import { planOf } from './open-source.ts';
import { STORED } from './places.ts';

const moduleOf = (
  choice: ChoiceSpec,
  candidates: readonly MeasuredCandidate[],
  method: QuantizerMethod,
): MeasuredModule => ({
  key: choice.key,
  candidates: candidates.map((candidate) => ({
    error: errorOf(method, candidate),
    totalBits: candidate.totalBits,
    bitsPerWeight: candidate.totalBits / moduleWeights(choice),
    description: describeCandidate(candidate.params),
  })),
});

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
    return plan.choices.map((choice) => moduleOf(choice, measurement.modules.get(choice.key)!, method));
  }

  /** What a job that has stopped goes on from. */
  async kept(id: string): Promise<KeptWork> {
    const { record, headers } = await this.#board.get(id);
    const { choices, modules } = planOf(headers);
    const measured = workDirectory(await storageDirectory(STORED.measure(id)));
    const kept: MeasuredModule[] = [];
    for (const choice of record.measured ? [] : choices) {
      const json = await measured.readJson(ARTEFACT.measuredModule(choice.key));
      const { quantizer } = record.options;
      if (json !== undefined) kept.push(moduleOf(choice, moduleFromJson(choice, json), quantizer));
    }
    const { results, targets } = record;
    const next = targets.find(({ bits }) => results.every((result) => result.bits !== bits));
    const files = next ? await (await storageDirectory(STORED.target(id, next.bits))).list() : [];
    const paths = new Set(files.map(({ path }) => path));
    const quantized = modules.filter(({ key }) => paths.has(ARTEFACT.tensors(key)));
    return { modules: kept, quantized: quantized.length, parts: modules.length };
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
