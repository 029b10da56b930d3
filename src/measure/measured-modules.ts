import { ARTEFACT } from '../job/artefacts.ts';
import type { StageContext } from '../job/context.ts';
import type { MeasuredPart } from '../measurement/measured-part.ts';
import { type MeasuredCandidate, type Measurement, moduleToJson } from '../measurement/measurement-json.ts';
import { type CandidateRange, candidateBits, candidatesOf } from '../measurement/module-candidates.ts';
import { ORIGINAL_ADVICE } from '../model/gpu/finite-states.ts';
import { NumericalError } from '../util/errors.ts';
import { joinParts } from './join-parts.ts';
import { trialEvent } from './trial-event.ts';

/** What is measured of the modules: puts the parts of each together, keeps it in the work directory and tells of it. */
export class MeasuredModules {
  readonly #context: StageContext;
  readonly #onProgress: (index: number, share?: number) => void;
  readonly #measured = new Map<number, readonly MeasuredCandidate[]>();
  readonly #begun = new Map<number, BegunModule>();

  /** @param onProgress called with a module's number and the share of it that is done, 0…1. */
  constructor(context: StageContext, onProgress: (index: number, share?: number) => void) {
    this.#context = context;
    this.#onProgress = onProgress;
  }

  /** Takes what an earlier run has measured. */
  reuse(index: number, candidates: readonly MeasuredCandidate[]): void {
    this.#tell(index, 0, candidates);
    this.#finish(index, candidates, 0, true);
  }

  /** A module, or a part of it, is begun. */
  begin(index: number): void {
    if (this.#begun.has(index)) return;
    this.#begun.set(index, { started: performance.now(), parts: [], done: new Map() });
    this.#onProgress(index, 0);
  }

  /** @param share of the part that is done, 0…1. */
  progress(index: number, { from, to }: CandidateRange, share: number): void {
    const { done } = this.#begun.get(index)!;
    done.set(from, share * (to - from));
    const candidates = [...done.values()].reduce((sum, count) => sum + count, 0);
    this.#onProgress(index, candidates / this.#tried(index).length);
  }

  /** @param told its trials have been told of. */
  async add(index: number, part: MeasuredPart, told: boolean): Promise<void> {
    const { plan, work, quantizer } = this.#context;
    const module = plan.modules[index]!;
    const tried = this.#tried(index);
    if (!told) {
      const ofPart = part.errors.map((error, i): MeasuredCandidate => {
        const params = tried[part.from + i]!;
        return { ...error, params, totalBits: candidateBits(module, params) };
      });
      this.#tell(index, part.from, ofPart);
    }
    const { started, parts } = this.#begun.get(index)!;
    this.progress(index, part, 1);
    parts.push(part);
    if (parts.reduce((count, { from, to }) => count + to - from, 0) < tried.length) return;
    const candidates = joinParts(module, quantizer.method, parts);
    requireNumbers(module.key, candidates);
    await work.writeJson(ARTEFACT.measuredModule(module.key), moduleToJson(candidates));
    this.#tell(index, tried.length, candidates.slice(tried.length));
    this.#finish(index, candidates, (performance.now() - started) / 1000, false);
  }

  get measurement(): Measurement {
    const inOrder = [...this.#measured].sort(([a], [b]) => a - b);
    const { modules } = this.#context.plan;
    return { modules: new Map(inOrder.map(([index, candidates]) => [modules[index]!.key, candidates])) };
  }

  #tried(index: number) {
    const { plan, quantizer } = this.#context;
    return candidatesOf(plan.modules[index]!, quantizer.method);
  }

  #finish(index: number, candidates: readonly MeasuredCandidate[], seconds: number, resumed: boolean): void {
    const { emit, plan } = this.#context;
    const { key } = plan.modules[index]!;
    this.#measured.set(index, candidates);
    emit({
      ...{ type: 'module', stage: 'measure', key, index },
      count: plan.modules.length,
      seconds,
      resumed,
    });
    this.#onProgress(index, 1);
  }

  /** @param from number of the first one. */
  #tell(index: number, from: number, candidates: readonly MeasuredCandidate[]): void {
    const { plan, quantizer, emit } = this.#context;
    const tried = this.#tried(index).length;
    for (const [i, measured] of candidates.entries()) {
      const candidate = from + i;
      emit(trialEvent(quantizer.method, plan.modules[index]!, candidate, measured, candidate >= tried));
    }
  }
}

/** What is written stays: it would stop every later run of the job. Throws NumericalError. */
function requireNumbers(key: string, candidates: readonly MeasuredCandidate[]): void {
  for (const [candidate, { accuracy, tokenError = 0 }] of candidates.entries()) {
    const named = { accuracy, 'token error': tokenError };
    const wrong = Object.entries(named).find(([, value]) => !Number.isFinite(value));
    if (!wrong) continue;
    const [name, value] = wrong;
    throw new NumericalError(
      `${key}: the ${name} of candidate ${candidate} is ${value}, no number. ${ORIGINAL_ADVICE}`,
    );
  }
}

interface BegunModule {
  readonly started: number;
  readonly parts: MeasuredPart[];
  /** Candidates that are done of each part, by its first one. */
  readonly done: Map<number, number>;
}
