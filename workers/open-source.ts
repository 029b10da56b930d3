import type { CalibrationText } from '../src/calibrate/mix/mix-plan.ts';
import type { ModelDirectory } from '../src/io/model/model-directory.ts';
import { modelFingerprint } from '../src/job/job.ts';
import { openModel } from '../src/model/check/open-model.ts';
import { parseConfig } from '../src/model/config/config.ts';
import { buildPlan } from '../src/model/plan.ts';
import type { ModelPlan } from '../src/model/spec.ts';
import type { ModelSource } from './api/folders.ts';
import type { ModelFacts } from './api/model.ts';
import type { ModelHeaders } from './job-store.ts';
import { pageFacts } from './model-facts.ts';
import { calibrationText, openSource } from './places.ts';
import { openTokenizer } from './tokenizer-client.ts';

/** A model that can be converted. */
export interface OpenedModel {
  readonly source: ModelDirectory;
  readonly plan: ModelPlan;
  readonly facts: ModelFacts;
  readonly calibrationText: CalibrationText;
}

/**
 * Opens a model with all that a conversion reads of it. Throws InputError or UnsupportedError for what is wrong; the
 * signal's reason when that is aborted.
 */
export async function inspectSource(from: ModelSource, signal?: AbortSignal): Promise<OpenedModel> {
  const directory = openSource(from);
  const model = await openModel(directory, {});
  const tokenizer = await openTokenizer(from, directory.name, signal);
  tokenizer.close();
  const facts = pageFacts(model, tokenizer.vocabSize);
  return { ...model, facts, calibrationText: calibrationText(from) };
}

export async function headersOf({ source, plan }: OpenedModel): Promise<ModelHeaders> {
  return {
    config: plan.config.raw,
    tensors: source.names().map((name) => source.requireInfo(name)),
    fingerprint: await modelFingerprint(source),
  };
}

/** The plan of a model whose folder need not be there. */
export const planOf = ({ config, tensors }: ModelHeaders): ModelPlan =>
  buildPlan(parseConfig(config), new Map(tensors.map((tensor) => [tensor.name, tensor])));

/** The model that was inspected last, since a plan is asked for again with every option that changes. */
let last: { readonly from: ModelSource; readonly model: OpenedModel } | undefined;
let inspecting = new AbortController();

/** As `inspectSource`; a source that was inspected last is not opened again. */
export async function openedSource(from: ModelSource): Promise<OpenedModel> {
  if (!last || !(await isSameSource(last.from, from)))
    last = { from, model: await inspectSource(from, inspecting.signal) };
  return last.model;
}

/** Also ends an inspection under way. */
export function forgetSource(): void {
  inspecting.abort();
  inspecting = new AbortController();
  last = undefined;
}

async function isSameSource(a: ModelSource, b: ModelSource): Promise<boolean> {
  if (a.kind === 'handle' && b.kind === 'handle') return a.handle.isSameEntry(b.handle);
  if (a.kind === 'files' && b.kind === 'files') {
    const name = ({ files }: typeof a) => JSON.stringify(files.map(({ path, file }) => [path, file.size]));
    return a.name === b.name && name(a) === name(b);
  }
  return a.kind === 'demo' && b.kind === 'demo';
}
