import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { convert } from '../../src/convert/convert.ts';
import { settingKey } from '../../src/exl2/groups.ts';
import { Gpu } from '../../src/gpu/gpu.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import type { ConvertEvent } from '../../src/job/events.ts';
import { QUANTIZERS } from '../../src/job/settings.ts';
import { Measurer } from '../../src/measure/measurer.ts';
import type { MeasuredPart } from '../../src/measurement/measured-part.ts';
import { measurementToJson } from '../../src/measurement/measurement-json.ts';
import { candidateBits, candidatesOf } from '../../src/measurement/module-candidates.ts';
import type { ModelPlan, ModuleSpec } from '../../src/model/spec.ts';
import { testGpu } from '../support/gpu.ts';
import { type Refuser, refuseMemory } from '../support/refused-memory.ts';
import { filesOf, tinyJob, tinyModel, tinyStages } from '../support/tiny-job.ts';

const MODEL = tinyModel(1);
const BUDGET = 2 ** 30;
const quantizer = QUANTIZERS.refined;

/** Whose device all take: after a refusal the budget is smaller, but the device is as good as before. */
let first: Gpu;
/** Made up, as only candidates that are measured take long. */
let measurement: unknown;
beforeAll(async () => {
  first = await testGpu(BUDGET);
  const { context } = await tinyStages(first, MODEL, memoryDirectory('work'));
  measurement = madeUp(context.plan);
});
afterAll(() => first.destroy());

const madeUp = ({ choices }: ModelPlan): unknown =>
  measurementToJson({
    modules: new Map(
      choices.map((choice) => [
        choice.key,
        candidatesOf(choice, 'exllamav2').map((params, i) => ({
          ...{ params, totalBits: candidateBits(choice, params), accuracy: 0.8 + 0.01 * i },
        })),
      ]),
    ),
  });

interface Run {
  /** What has to be the same, whatever was refused. */
  readonly result: unknown;
  readonly adjustments: readonly string[];
}

/** Tells of each step when it begins, and of the stage that it is in. */
type Work = (gpu: Gpu, onStep: (step: string, stage: string) => void) => Promise<Run>;

/** So that what differs can be told in a line. */
const digestsOf = (files: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(files).map(([path, hex]) => [path, createHash('sha256').update(hex).digest('hex')]),
  );

const adjustmentsIn = (events: readonly ConvertEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'adjustment' ? [event.message] : []));

/** Candidates that are tried apart both have the loss of a setting that they share. */
const meaningOf = ({ linears }: ModuleSpec, { losses, ...part }: MeasuredPart) => ({
  ...part,
  losses: linears.map(({ name, k }) =>
    Object.fromEntries((losses?.get(name) ?? []).map(({ params, loss }) => [settingKey(k, params), loss])),
  ),
});

/** Measures a few candidates of each module. */
const measures: Work = async (gpu, onStep) => {
  const { context, rows, events } = await tinyStages(gpu, MODEL, memoryDirectory('work'));
  const measurer = new Measurer({ ...context, quantizer }, rows);
  const parts: unknown[] = [];
  for (const module of context.plan.modules) {
    onStep(module.key, 'measure');
    parts.push(meaningOf(module, await measurer.measure(module.index, { from: 0, to: 2 }, () => {})));
  }
  await measurer.free();
  return { result: parts, adjustments: adjustmentsIn(events) };
};

/** Converts with a measurement that is there. */
const converts: Work = async (gpu, onStep) => {
  const [work, output] = [memoryDirectory('work'), memoryDirectory('output')];
  const job = await tinyJob(gpu, MODEL, { work, output });
  const emit = (event: ConvertEvent) => {
    job.emit(event);
    if (event.type === 'stage' && event.state === 'started') onStep(event.stage, event.stage);
    if (event.type === 'module') onStep(`after ${event.key}`, event.stage);
  };
  onStep('start', 'start');
  await convert({ ...job, emit, settings: { ...job.settings, quantizer, measurement } });
  const { 'report.html': _, ...files } = await filesOf(output);
  return { result: digestsOf(files), adjustments: adjustmentsIn(job.events) };
};

/**
 * OUT_OF_MEMORY=all refuses every single request, which takes five minutes; without it, of each kind of request in a stage the
 * first one, and in a measurement one in the middle.
 */
const ALL = process.env['OUT_OF_MEMORY'] === 'all';

/** What memory is for, without the names of tensors, so that modules and linears are alike. */
const kindOf = (label: string): string =>
  ALL ? label : label.replaceAll(/\b((model|lm_head)(\.\w+)*|\w+_proj)\b/g, '…');

/** The n-th request of a kind in a step. */
const nameOf = (step: string, kind: string, n: number): string => `${step}: ${kind} ${n}`;

interface Requests {
  readonly stage: string;
  readonly step: string;
  readonly kind: string;
  count: number;
}

/**
 * The requests to refuse: the first of each kind in a stage.
 * @param middle and one in the middle of the last step that has any.
 */
function chosen(all: readonly Requests[], middle: boolean): Set<string> {
  const names = all.flatMap((own) => {
    const { step, kind, count } = own;
    if (ALL) return Array.from({ length: count }, (_, i) => nameOf(step, kind, i + 1));
    const alike = all.filter((other) => other.stage === own.stage && other.kind === kind);
    const last = alike.at(-1)!;
    const half = nameOf(last.step, kind, Math.ceil((last.count + 1) / 2));
    return [nameOf(alike[0]!.step, kind, 1), ...(middle ? [half] : [])];
  });
  return new Set(names);
}

/** Asked of every request; `isFirst` says that its step is the first of the stage. */
type IsRefused = (name: string, step: string, isFirst: boolean) => boolean;

async function run(work: Work, by: Refuser, isRefused: IsRefused) {
  const gpu = new Gpu(first.device, BUDGET);
  const requests = new Map<string, Requests>();
  let [step, stage, isFirst] = ['', '', true];
  refuseMemory(gpu, by, (label) => {
    const kind = kindOf(label);
    const own = requests.get(`${step}: ${kind}`) ?? { stage, step, kind, count: 0 };
    own.count++;
    requests.set(`${step}: ${kind}`, own);
    return isRefused(nameOf(step, kind, own.count), step, isFirst);
  });
  const done = await work(gpu, (nextStep, nextStage) => {
    isFirst = nextStage !== stage;
    [step, stage] = [nextStep, nextStage];
  });
  expect(gpu.memory.used).toBe(0);
  return { ...done, requests: [...requests.values()] };
}

/** Who refuses in each run; our own budget may more often. */
const TURNS = ['budget', 'driver', 'budget', 'budget', 'createBuffer', 'budget'] as const;

/** Refusals that a step stands whenever they come; in the first one of a stage states can give way. */
function mostIn(step: string, isFirst: boolean, by: Refuser): number {
  if (by !== 'budget') return 1;
  return isFirst && step !== 'start' ? 3 : 2;
}

const runs = new Map<Work, ReturnType<typeof run>>();

/** A run of which nothing is refused. */
function undisturbed(work: Work): ReturnType<typeof run> {
  const running = runs.get(work) ?? run(work, 'driver', () => false);
  runs.set(work, running);
  return running;
}

/** Weights may be loaded ahead: where that alone is refused, they are loaded again in time, which is nothing to tell of. */
const mayBeAhead = (name: string): boolean => ALL && /: (file bytes of )?model\.\S+ \d+$/.test(name);

/** Refuses all that is chosen, in as many runs as that takes, and each run has to end with the same result. */
async function expectSame(work: Work, middle: boolean): Promise<void> {
  const { result, adjustments, requests } = await undisturbed(work);
  const pending = chosen(requests, middle);
  for (let turn = 0; pending.size > 0; turn++) {
    const by = TURNS[turn % TURNS.length]!;
    const [refused, left] = [new Map<string, string[]>(), pending.size];
    const disturbed = await run(work, by, (name, step, isFirst) => {
      const before = refused.get(step) ?? [];
      if (before.length >= mostIn(step, isFirst, by) || !pending.delete(name)) return false;
      refused.set(step, [...before, name]);
      return true;
    });
    const names = [...refused.values()].flat();
    const what = `what ${by} refused: ${names.join(', ')}`;
    expect(disturbed.result, what).toEqual(result);
    const told = disturbed.adjustments.filter((message) => message.startsWith('GPU memory was short'));
    if (!names.every(mayBeAhead)) expect(told.length, what).toBeGreaterThan(0);
    expect(disturbed.adjustments.length - told.length, what).toBe(adjustments.length);
    expect(pending.size, `not asked for again: ${[...pending].join(', ')}`).toBeLessThan(left);
  }
}

const SWEEP_MS = ALL ? 3600_000 : 480_000;

test(
  'a measurement ends with the same bytes, whatever memory is refused',
  () => expectSame(measures, true),
  SWEEP_MS,
);

test('so does a conversion', () => expectSame(converts, ALL), SWEEP_MS);

test.each([
  ['a measurement', measures, 'budget'],
  ['a conversion', converts, 'driver'],
] as const)('%s stands three refusals in a row', async (_, work, by) => {
  let refused = 0;
  const disturbed = await run(work, by, (name) => {
    const isRefused = refused > 0 ? refused < 3 : name.endsWith('projection 3');
    if (isRefused) refused++;
    return isRefused;
  });
  expect(refused).toBe(3);
  expect(disturbed.result).toEqual((await undisturbed(work)).result);
});
