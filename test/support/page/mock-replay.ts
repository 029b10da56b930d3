import { headBitsPerWeight, linearBits, parseDescription } from '../../../src/app/settings.ts';
import type { Metrics } from '../../../src/evaluate/metrics.ts';
import type { ConvertEvent, WorkerStatus, WorkersEvent } from '../../../src/job/events.ts';
import type { PackedRecording } from '../../../src/job/recording/packed.ts';
import { Recorder } from '../../../src/job/recording/recorder.ts';
import type {
  AllocationRequest,
  JobRecord,
  MeasuredModule,
  TargetResult,
} from '../../../workers/api/jobs.ts';
import type { ModelFacts, ModuleFacts } from '../../../workers/api/model.ts';
import { mockExpertErrors, mockExpertTokens, mockParts } from './mock-experts.ts';
import { mockAllocation } from './mock-model.ts';

const GB = 1e9;

/** Events of calibration and measurement, a batch a module. */
export function* measurementEvents(
  record: JobRecord,
  measured: readonly MeasuredModule[],
): Generator<ConvertEvent[]> {
  const { modules } = record.model;
  yield [
    { type: 'stage', stage: 'calibrate', state: 'started' },
    { type: 'stage', stage: 'calibrate', state: 'done', seconds: 1.3 },
    { type: 'stage', stage: 'measure', state: 'started' },
  ];
  const total = sum(modules, ({ weights }) => weights);
  let done = 0;
  for (const [index, module] of modules.entries()) {
    for (const share of [0.1, 0.5])
      yield progress('measure', module.key, done + share * module.weights, total);
    done += module.weights;
    yield [
      ...(measured[index]?.candidates ?? []).map(
        ({ error, bitsPerWeight, description }, candidate): ConvertEvent => ({
          type: 'trial',
          module: module.key,
          candidate,
          error,
          bitsPerWeight,
          description,
          predicted: false,
        }),
      ),
      moduleEvent('measure', module, index, modules.length),
      ...progress('measure', modules[index + 1]?.key ?? module.key, done, total),
    ];
  }
  yield [{ type: 'stage', stage: 'measure', state: 'done', seconds: 12.1 }];
}

/** Events of one bitrate, from the allocation to the output. */
export function* quantizationEvents(
  record: JobRecord,
  measured: readonly MeasuredModule[],
  request: AllocationRequest,
): Generator<ConvertEvent[]> {
  const { model } = record;
  const result = mockResult(record, measured, request);
  yield [
    { type: 'stage', stage: 'calibrate', state: 'reused' },
    { type: 'stage', stage: 'measure', state: 'reused' },
    { type: 'stage', stage: 'optimize', state: 'started' },
    result.allocation,
    { type: 'stage', stage: 'optimize', state: 'done', seconds: 0.04 },
    { type: 'stage', stage: 'quantize', state: 'started' },
  ];
  const total = sum(model.modules, ({ weights }) => weights) + model.hiddenSize * model.vocabSize;
  const parts = model.modules.flatMap((module) => mockParts(module).map((part) => ({ module, part })));
  let done = 0;
  for (const [index, { module, part }] of parts.entries()) {
    const weights = (module.weights * part.experts.length) / (module.experts ?? 1);
    for (const [place, linear] of module.linears.entries()) {
      const share = (place + 1) / module.linears.length;
      yield [
        ...progress('quantize', part.key, done + share * weights, total),
        ...part.experts.map((expert) => linearEvent(module, linear.name, expert, result)),
      ];
    }
    done += weights;
    const count = parts.filter((each) => each.module === module).length;
    yield [
      {
        ...moduleEvent('quantize', part, index, parts.length),
        choice: module.key,
        rfnError: result.rfnErrors[module.key]! / Math.sqrt(count),
        bitsPerWeight: choiceOf(module, result).bitsPerWeight,
        ...(module.experts && {
          expertTokens: part.experts.map((expert) => mockExpertTokens(module)[expert]!),
        }),
      },
    ];
  }
  yield [
    ...progress('quantize', 'lm_head', total, total),
    { type: 'linear', key: 'lm_head', bitsPerWeight: headBitsPerWeight(model, record.options.headBits) },
    { type: 'perplexity', model: 'original', value: result.perplexity.original, tokens: 38912 },
    { type: 'perplexity', model: 'quantized', value: result.perplexity.quantized, tokens: 38912 },
    { type: 'stage', stage: 'quantize', state: 'done', seconds: 9.7 },
    { type: 'stage', stage: 'compile', state: 'started' },
    { type: 'progress', stage: 'compile', done: 1, total: 1, unit: 'bytes', detail: 'config.json' },
    { type: 'stage', stage: 'compile', state: 'done', seconds: 0.6 },
  ];
}

const choiceOf = ({ key }: ModuleFacts, { allocation }: TargetResult) =>
  allocation.modules.find((choice) => choice.key === key)!;

function linearEvent(module: ModuleFacts, name: string, expert: number, result: TargetResult): ConvertEvent {
  const bits = linearBits(module, parseDescription(choiceOf(module, result).description));
  const key = `${module.key}.${name}`;
  const error = module.experts ? result.expertErrors![key]![expert]! : result.linearErrors![key]!;
  const place = { choice: module.key, name, ...(module.experts && { expert }) };
  return { type: 'linear', key, ...place, bitsPerWeight: bits[name]!, error };
}

/** What is kept of the events that lead to the job's results, a second after each other. */
export function mockRecording(record: JobRecord, measured: readonly MeasuredModule[]): PackedRecording {
  const recorder = new Recorder();
  let time = 0;
  const add = (bits: number | undefined, batches: Iterable<ConvertEvent[]>) => {
    for (const events of batches) {
      time += 1000;
      recorder.add(time, bits, events);
    }
  };
  add(undefined, measurementEvents(record, measured));
  for (const target of record.targets) add(target.bits, quantizationEvents(record, measured, target));
  return recorder.recording;
}

/** What `count` workers do while these events come: one has been lost, one waits, the others work. */
export function mockWorkers(count: string | null, events: readonly ConvertEvent[]): WorkersEvent | undefined {
  const present = events.find((event) => event.type === 'progress');
  if (count === null || !present) return undefined;
  const verb = present.stage === 'measure' ? 'measures' : 'quantizes';
  const workers = Array.from({ length: Number(count) }, (_, id): WorkerStatus => {
    const doing = id === 3 ? 'lost' : id === 2 ? 'waits' : `${verb} ${present.detail}`;
    const adapter = id % 2 === 0 ? 'NVIDIA GeForce RTX 4070' : 'Intel Arc Graphics';
    return {
      id,
      adapter,
      doing,
      busy: 0.93 / (id + 1),
      memoryBytes: id === 3 ? 0 : 1.4 * GB - id * 1e8,
      speed: 12e12 / (id + 1),
    };
  });
  return { type: 'workers', workers };
}

export function mockResult(
  record: JobRecord,
  measured: readonly MeasuredModule[],
  request: AllocationRequest,
): TargetResult {
  const { model, options } = record;
  const allocation = mockAllocation(model, measured, request);
  const { outputBytes: bytes, ...event } = allocation;
  const rfnErrors = allocation.modules.map(
    ({ key, error }, i) => [key, error * (1.02 + 0.05 * Math.sin(i))] as const,
  );
  const loss = sum(allocation.modules, ({ error }) => error) / allocation.modules.length;
  return {
    bits: request.bits,
    bitsPerWeight: allocation.bitsPerWeight,
    headBits: options.headBits,
    bytes: bytes + 264_000,
    files: [
      { path: 'output.safetensors', size: bytes },
      { path: 'tokenizer.json', size: 263_000 },
      { path: 'config.json', size: 1000 },
    ],
    perplexity: { original: 8.971, quantized: 8.971 * (1 + loss / 2) },
    evaluation: mockMetrics(loss),
    rfnErrors: Object.fromEntries(rfnErrors),
    linearErrors: linearErrors(model, Object.fromEntries(rfnErrors)),
    ...expertFacts(model, Object.fromEntries(rfnErrors)),
    allocation: event,
  };
}

/** Up to 1.8 times the module's, which evens some of it out. */
function linearErrors({ modules }: ModelFacts, rfnErrors: Record<string, number>): Record<string, number> {
  const errors = modules.flatMap(({ key, linears }) =>
    linears.map(({ name }, i) => [`${key}.${name}`, (rfnErrors[key] ?? 0) * (0.6 + 0.4 * i)] as const),
  );
  return Object.fromEntries(errors);
}

function expertFacts(
  model: ModelFacts,
  rfnErrors: Record<string, number>,
): Pick<TargetResult, 'expertErrors' | 'expertTokens'> {
  const modules = model.modules.filter(({ experts }) => experts);
  const errors = linearErrors({ ...model, modules }, rfnErrors);
  return {
    expertErrors: Object.fromEntries(
      modules.flatMap((module) =>
        module.linears.map(({ name }) => {
          const key = `${module.key}.${name}`;
          return [key, mockExpertErrors(module, errors[key]!)] as const;
        }),
      ),
    ),
    expertTokens: Object.fromEntries(modules.map((module) => [module.key, mockExpertTokens(module)])),
  };
}

/** Metrics that go with a mean error of the modules. */
function mockMetrics(loss: number): Metrics {
  const divergence = 40 * loss ** 2;
  return {
    rows: 16,
    length: 512,
    perplexity: { reference: 10.412, model: 10.412 * (1 + loss / 1.7) },
    divergence: {
      ...{ mean: divergence, standardError: divergence / 9, byRow: [], median: divergence / 3 },
      p99: divergence * 14,
    },
    agreement: 1 - 1.9 * loss,
    byPosition: [0, 1, 2, 4, 8, 16, 32, 64, 128, 256].map((first, i, all) => ({
      first,
      last: (all[i + 1] ?? 512) - 1,
      divergence: divergence * (1.6 - 0.08 * i),
      agreement: 1 - 1.9 * loss,
    })),
  };
}

function progress(
  stage: 'measure' | 'quantize',
  detail: string,
  done: number,
  total: number,
): ConvertEvent[] {
  const gpuBytes = (0.9 + 0.4 * Math.sin(done)) * GB;
  return [
    { type: 'progress', stage, done, total, unit: 'weights', detail },
    {
      type: 'memory',
      gpuBytes,
      gpuPeakBytes: 1.42 * GB,
      gpuBudgetBytes: 3 * GB,
      states: { memoryBytes: 0.6 * GB, memoryRoomBytes: 1.1 * GB, diskBytes: 0 },
    },
  ];
}

const moduleEvent = (
  stage: 'measure' | 'quantize',
  { key }: { readonly key: string },
  index: number,
  count: number,
) => ({ type: 'module', stage, key, index, count, seconds: 1.1, resumed: false }) as const;

const sum = <T>(items: readonly T[], value: (item: T) => number): number =>
  items.reduce((total, item) => total + value(item), 0);
