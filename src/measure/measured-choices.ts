import { ARTEFACT } from '../job/artefacts.ts';
import type { StageContext } from '../job/context.ts';
import type { MeasuredPart } from '../measurement/measured-part.ts';
import { type MeasuredCandidate, type Measurement, moduleToJson } from '../measurement/measurement-json.ts';
import { type CandidateRange, candidateBits, candidatesOf } from '../measurement/module-candidates.ts';
import { ORIGINAL_ADVICE } from '../model/gpu/finite-states.ts';
import type { ChoiceSpec, ModuleSpec } from '../model/spec.ts';
import { writeSummaries } from '../pass/sums/summarize-hessians.ts';
import { NumericalError } from '../util/errors.ts';
import { joinParts } from './join-parts.ts';
import { trialEvent } from './trial-event.ts';

/** What is measured of the choices: puts the parts of each together, keeps it in the work directory and tells of it. */
export class MeasuredChoices {
  readonly #context: StageContext;
  readonly #onProgress: (index: number, share?: number) => void;
  readonly #measured = new Map<ChoiceSpec, readonly MeasuredCandidate[]>();
  readonly #begun = new Map<ChoiceSpec, BegunChoice>();

  /** @param onProgress called with a module's number and the share of it that is done, 0…1. */
  constructor(context: StageContext, onProgress: (index: number, share?: number) => void) {
    this.#context = context;
    this.#onProgress = onProgress;
  }

  /** Takes what an earlier run has measured. */
  reuse(choice: ChoiceSpec, candidates: readonly MeasuredCandidate[]): void {
    this.#tell(choice, 0, candidates);
    this.#finish(choice, candidates, 0, true);
  }

  /** A module, or a part of it, is begun. */
  begin(index: number): void {
    const { choice, module } = this.#at(index);
    const begun = this.#begun.get(choice) ?? { started: performance.now(), modules: new Map() };
    this.#begun.set(choice, begun);
    if (begun.modules.has(module)) return;
    begun.modules.set(module, { parts: [], done: new Map() });
    this.#onProgress(index, 0);
  }

  /** @param share of the part of this module that is done, 0…1. */
  progress(index: number, { from, to }: CandidateRange, share: number): void {
    const { choice, module } = this.#at(index);
    const { done } = this.#begun.get(choice)!.modules.get(module)!;
    done.set(from, share * (to - from));
    const candidates = [...done.values()].reduce((sum, count) => sum + count, 0);
    this.#onProgress(index, candidates / this.#tried(choice).length);
  }

  /** @param told its trials have been told of, as those of a module that is a choice of its own are. */
  async add(index: number, part: MeasuredPart, told: boolean): Promise<void> {
    const { work, quantizer } = this.#context;
    const { choice, module } = this.#at(index);
    if (part.hessians) await writeSummaries(work, module.key, part.hessians);
    const tried = this.#tried(choice);
    const isAlone = choice.modules.length === 1;
    if (isAlone && !told) this.#tell(choice, part.from, this.#candidatesOf(choice, part));
    const { started, modules } = this.#begun.get(choice)!;
    this.progress(index, part, 1);
    modules.get(module)!.parts.push(part);
    const parts = new Map([...modules].map(([each, begun]) => [each, begun.parts]));
    if (!isComplete(choice, parts, tried.length)) return;
    const candidates = joinParts(choice, quantizer.method, parts);
    requireNumbers(choice.key, candidates);
    await work.writeJson(ARTEFACT.measuredModule(choice.key), moduleToJson(candidates));
    const first = isAlone ? tried.length : 0;
    this.#tell(choice, first, candidates.slice(first));
    this.#finish(choice, candidates, (performance.now() - started) / 1000, false);
  }

  get measurement(): Measurement {
    const inOrder = [...this.#measured].sort(([a], [b]) => a.index - b.index);
    return { modules: new Map(inOrder.map(([{ key }, candidates]) => [key, candidates])) };
  }

  #at(index: number): { choice: ChoiceSpec; module: ModuleSpec } {
    const { modules, choices } = this.#context.plan;
    const module = modules[index]!;
    return { module, choice: choices.find(({ key }) => key === module.choice)! };
  }

  #candidatesOf(choice: ChoiceSpec, { from, errors }: MeasuredPart): MeasuredCandidate[] {
    const tried = this.#tried(choice);
    return errors.map((error, i) => {
      const params = tried[from + i]!;
      return { ...error, params, totalBits: candidateBits(choice, params) };
    });
  }

  #tried(choice: ChoiceSpec) {
    return candidatesOf(choice, this.#context.quantizer.method);
  }

  #finish(
    choice: ChoiceSpec,
    candidates: readonly MeasuredCandidate[],
    seconds: number,
    resumed: boolean,
  ): void {
    const { emit, plan } = this.#context;
    const { key, index, modules } = choice;
    this.#measured.set(choice, candidates);
    const count = plan.choices.length;
    emit({ type: 'module', stage: 'measure', key, index, count, seconds, resumed });
    for (const module of modules) this.#onProgress(module.index, 1);
  }

  /** @param from number of the first one. */
  #tell(choice: ChoiceSpec, from: number, candidates: readonly MeasuredCandidate[]): void {
    const { quantizer, emit } = this.#context;
    const tried = this.#tried(choice).length;
    for (const [i, measured] of candidates.entries()) {
      const candidate = from + i;
      emit(trialEvent(quantizer.method, choice, candidate, measured, candidate >= tried));
    }
  }
}

/** Whether the parts have all candidates of all modules. */
const isComplete = (
  { modules }: ChoiceSpec,
  parts: ReadonlyMap<ModuleSpec, readonly MeasuredPart[]>,
  candidates: number,
): boolean =>
  modules.every((module) => {
    const counts = (parts.get(module) ?? []).map(({ from, to }) => to - from);
    return counts.reduce((sum, count) => sum + count, 0) >= candidates;
  });

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

interface BegunChoice {
  readonly started: number;
  readonly modules: Map<ModuleSpec, BegunModule>;
}

interface BegunModule {
  readonly parts: MeasuredPart[];
  /** Candidates that are done of each part, by its first one. */
  readonly done: Map<number, number>;
}
