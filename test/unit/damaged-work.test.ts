import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { convert } from '../../src/convert/convert.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import type { WritableDirectory } from '../../src/io/bytes.ts';
import type { ConvertEvent } from '../../src/job/events.ts';
import { dropJob } from '../../src/job/job.ts';
import { InputError } from '../../src/util/errors.ts';
import { seededRandom } from '../../src/util/random.ts';
import { contentsOf, damaged, directoryOf, type Files } from '../support/damage.ts';
import { testGpu } from '../support/gpu.ts';
import { tinyJob, tinyModel } from '../support/tiny-job.ts';

/** Of damages to each state of a job; more of them by hand: DAMAGES=50 npx vitest run test/unit/damaged-work.test.ts. */
const DAMAGES = Number(process.env['DAMAGES'] ?? 1);
const MODEL = tinyModel(1);

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.destroy());

interface State {
  readonly work: Files;
  readonly output: Files;
}

const NOTHING: State = { work: new Map(), output: new Map() };

/** Converts from this state on, until `stop` says so of an event, or to the end. */
async function run(from: State, stop?: (event: ConvertEvent) => boolean, settings: object = {}) {
  const work = await directoryOf('work', from.work);
  const output = await directoryOf('output', from.output);
  return runIn({ work, output }, stop, settings);
}

async function runIn(
  places: { work: WritableDirectory; output: WritableDirectory },
  stop?: (event: ConvertEvent) => boolean,
  settings: object = {},
) {
  const job = await tinyJob(gpu, MODEL, places);
  const stopping = new AbortController();
  const emit = (event: ConvertEvent) => {
    job.emit(event);
    if (stop?.(event)) stopping.abort();
  };
  const control = { signal: stopping.signal };
  const error = await convert({ ...job, emit, control, settings: { ...job.settings, ...settings } }).then(
    () => undefined,
    (reason: Error) => reason,
  );
  if (error && !stopping.signal.aborted) throw error;
  return {
    state: { work: await contentsOf(places.work), output: await contentsOf(places.output) },
    events: job.events,
  };
}

/** The output without the report, which has times in it. */
const model = ({ output }: State) =>
  Object.fromEntries(
    [...output]
      .filter(([path]) => path !== 'report.html')
      .map(([path, bytes]) => [path, Buffer.from(bytes).toString('latin1')]),
  );

const evaluations = (events: readonly ConvertEvent[]) => events.filter(({ type }) => type === 'evaluation');

/** Where a job is stopped, one after the other. */
const STOPS: Readonly<Record<string, (event: ConvertEvent) => boolean>> = {
  'before the measurement': ({ type }) => type === 'reference',
  'between two modules of the measurement': (event) => event.type === 'module' && event.stage === 'measure',
  'after the allocation': ({ type }) => type === 'allocation',
  'between two modules of the quantization': (event) => event.type === 'module' && event.stage === 'quantize',
  'before the output': (event) => event.type === 'stage' && event.stage === 'compile',
  'while the output is written': (event) => event.type === 'progress' && event.stage === 'compile',
  'before the evaluation': (event) => event.type === 'stage' && event.stage === 'evaluate',
  nowhere: () => false,
};

describe('whatever is damaged in the work directory of a job', () => {
  const states = new Map<string, State>();
  let whole: Awaited<ReturnType<typeof run>>;
  beforeAll(async () => {
    let last = NOTHING;
    for (const [stop, isReached] of Object.entries(STOPS)) {
      whole = await run(last, isReached);
      last = whole.state;
      states.set(stop, last);
    }
  });

  test.each(Object.keys(STOPS))('that was stopped %s, the output is the same in the end', async (stop) => {
    const state = states.get(stop)!;
    const random = seededRandom(stop.length);
    for (let i = 0; i < DAMAGES; i++) {
      const { what, files } = damaged(state.work, random);
      const { state: end, events } = await finished({ ...state, work: files }, what);
      expect(model(end), what).toEqual(model(whole.state));
      expect(evaluations(events), what).toEqual(evaluations(whole.events));
    }
  });

  test('also the note of where it writes, of which its message says what to do', async () => {
    const settings = { shardBytes: 50_000 };
    const sharded = await run(NOTHING, undefined, settings);
    let written = 0;
    const { state } = await run(
      states.get('before the output')!,
      (event) => event.type === 'progress' && event.stage === 'compile' && ++written === 12,
      settings,
    );
    expect([...state.output.keys()].some((path) => path.startsWith('output-00001'))).toBe(true);
    expect(state.output.has('config.json')).toBe(false);
    const note = state.work.get('output.json')!;
    for (const bytes of [note.slice(1), new Uint8Array()]) {
      const broken = { ...state, work: new Map([...state.work, ['output.json', bytes]]) };
      const again = run(broken, undefined, settings);
      await expect(again).rejects.toThrow('if these files are what it had written so far, remove them');
      const emptied = await run({ ...broken, output: new Map() }, undefined, settings);
      expect(model(emptied.state)).toEqual(model(sharded.state));
      expect(emptied.events.some((event) => event.type === 'trial')).toBe(false);
    }
    expect(model((await run(state, undefined, settings)).state)).toEqual(model(sharded.state));
  });

  test.each([
    ['tensors/model.layers.0.mlp.safetensors', 'compile'],
    ['reference.safetensors', 'evaluate'],
  ])('also %s while it is used last, which running again makes anew', async (path, stage) => {
    const state = states.get('before the output')!;
    const whenWhole = await directoryOf('work', state.work);
    const files = new Map([...state.work, [path, state.work.get(path)!.slice(1)]]);
    const whenBroken = await directoryOf('work', files);
    let isBroken = false;
    const open = (each: string) => (isBroken && each === path ? whenBroken : whenWhole).open(each);
    const output = await directoryOf('output', state.output);
    const stopped = runIn({ work: { ...whenWhole, open }, output }, (event) => {
      isBroken ||= event.type === 'stage' && event.stage === stage && event.state === 'started';
      return false;
    });
    await expect(stopped).rejects.toThrow(/^\S+ has gone from the work directory.*: run the job again/);
    const again = await runIn({ work: whenBroken, output });
    expect(model(again.state)).toEqual(model(whole.state));
  });

  /** Runs to the end, and does what messages say. */
  async function finished(state: State, what: string) {
    try {
      return await run(state);
    } catch (error) {
      expect(error, what).toBeInstanceOf(InputError);
      const { message } = error as Error;
      if (message.includes('if these files are what it had written so far, remove them'))
        return run({ ...state, output: new Map() });
      if (message.includes('or move that file elsewhere')) {
        const [, path] = / holds (\S+),/.exec(message)!;
        const work = new Map(state.work);
        work.delete(path!);
        return finished({ ...state, work }, what);
      }
      expect(message, what).toContain('--no_resume');
      const places = {
        work: await directoryOf('work', state.work),
        output: await directoryOf('output', state.output),
      };
      await dropJob(places.work);
      return runIn(places);
    }
  }
});

describe('a job that was given its measurement', () => {
  const parsed = ({ work }: State, path: string) => JSON.parse(new TextDecoder().decode(work.get(path)));
  const damage = (state: State, path: string): State => ({
    ...state,
    work: new Map([...state.work, [path, state.work.get(path)!.slice(1)]]),
  });

  /** As another model would have been measured: what was best is worst. */
  function otherMeasurement(json: { measurement: Record<string, { accuracy: number }[] | null> }) {
    const modules = Object.entries(json.measurement).map(([key, candidates]) => [
      key,
      candidates?.map((candidate) => ({ ...candidate, accuracy: 1 - candidate.accuracy / 2 })) ?? null,
    ]);
    return { ...json, measurement: Object.fromEntries(modules) };
  }

  let measurement: ReturnType<typeof parsed>;
  let given: State;
  beforeAll(async () => {
    const { state } = await run(NOTHING, STOPS['after the allocation']);
    measurement = parsed(state, 'measurement.json');
    given = (await run(NOTHING, undefined, { measurement })).state;
  });

  test('asks for it again when its copy is damaged, and goes on with it', async () => {
    const state = damage(given, 'measurement.json');
    await expect(run(state)).rejects.toThrow(
      /not measured it itself: pass the file .* again \(--measurement/,
    );
    const again = await run(state, undefined, { measurement });
    expect(model(again.state)).toEqual(model(given));
    expect(parsed(again.state, 'measurement.json')).toEqual(measurement);
    // The other way that the message shows.
    const places = {
      work: await directoryOf('work', state.work),
      output: await directoryOf('output', new Map()),
    };
    await dropJob(places.work);
    expect(model((await runIn(places)).state)).toEqual(model(given));
  });

  test('mixes no layers of another allocation when what it had chosen is damaged', async () => {
    const other = { measurement: otherMeasurement(measurement) };
    await expect(run(given, undefined, other)).rejects.toThrow('another allocation');
    const mixed = await run(damage(given, 'strategy.json'), undefined, other);
    const fresh = await run(NOTHING, undefined, other);
    expect(model(mixed.state)).toEqual(model(fresh.state));
    expect(model(fresh.state)).not.toEqual(model(given));
    expect(evaluations(mixed.events)).toEqual(evaluations(fresh.events));
  });
});
