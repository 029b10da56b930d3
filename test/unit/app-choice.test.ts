import { expect, test } from 'vitest';
import { AllocationChoice, elbow, totalError } from '../../src/app/state/allocation-choice.ts';
import { Draft } from '../../src/app/state/draft.ts';
import { latestOnly } from '../../src/app/state/loadable.ts';
import { formatRoute, parseRoute } from '../../src/app/state/route.ts';
import type { CoordinatorApi } from '../../workers/api/coordinator.ts';
import type { AllocationRequest } from '../../workers/api/jobs.ts';
import { newRecord } from '../support/page/mock-jobs.ts';
import { mockModel } from '../support/page/mock-model.ts';
import { eventually } from '../support/patience.ts';

const model = mockModel(null);

test('the elbow is where the curve bends most', () => {
  const curve = [1, 0.5, 0.2, 0.15, 0.12, 0.1].map((error, i) => ({ bits: 2 + i, bytes: i, error }));
  expect(elbow(curve)?.bits).toBe(4);
  expect(elbow(curve.slice(0, 4))).toBeUndefined();
  expect(totalError([])).toBe(0);
});

test('of calls that come while one runs only the last is run', async () => {
  const seen: number[] = [];
  let release = () => {};
  const run = latestOnly(async (value: number) => {
    seen.push(value);
    await new Promise<void>((resolve) => {
      release = resolve;
    });
  });
  const calls = [run(1), run(2), run(3)];
  release();
  await eventually(() => expect(seen).toEqual([1, 3]));
  release();
  await Promise.all(calls);
  expect(seen).toEqual([1, 3]);
});

test('a failing call does not block the next one', async () => {
  const run = latestOnly(async (fail: boolean) => {
    if (fail) throw new Error('no');
  });
  await expect(run(true)).rejects.toThrow('no');
  await expect(run(false)).resolves.toBeUndefined();
});

test('addresses survive a reload', () => {
  for (const route of [
    { screen: 'start' },
    { screen: 'plan' },
    { screen: 'job', id: 'a/b c' },
    { screen: 'choose', id: 'x' },
    { screen: 'replay', id: 'a/b c' },
  ] as const) {
    expect(parseRoute(formatRoute(route))).toEqual(route);
  }
  expect(parseRoute('#job=')).toEqual({ screen: 'start' });
  expect(parseRoute('#nonsense')).toEqual({ screen: 'start' });
});

/** A coordinator of which only some calls are expected. */
const coordinator = (calls: Partial<CoordinatorApi>) => calls as CoordinatorApi;

const allocated = (requests: AllocationRequest[]) =>
  coordinator({
    measurement: async () => [],
    allocate: async (_, request) => {
      requests.push(request);
      if (request.bits < 2.5) throw new Error('too little');
      const module = {
        key: 'a',
        candidate: 0,
        totalBits: 1,
        bitsPerWeight: request.bits,
        error: 1,
        description: '',
      };
      return {
        type: 'allocation',
        modules: [module],
        bitsPerWeight: request.bits,
        budgetBits: 1,
        usedBits: request.bits,
        outputBytes: 1e6 * request.bits,
        sumError: 1,
        maxError: 1,
        sumLogError: 0,
      };
    },
  });

test('choosing allocates at once, draws the curve and gathers bitrates', async () => {
  const requests: AllocationRequest[] = [];
  const choice = new AllocationChoice(
    allocated(requests),
    newRecord('a', model, new Draft(coordinator({})).options.value, [], ''),
  );
  await eventually(() => expect(choice.curve.value.complete).toBe(true));
  // One of the 24 bitrates is below the least.
  expect(choice.curve.value.points).toHaveLength(23);
  expect(requests[0]).toEqual({ bits: 4, pinned: {} });
  choice.keep();
  choice.setBits(2.3);
  choice.pin('a', 3);
  await eventually(() => expect(choice.problem.value).toBe('too little'));
  expect(choice.requests()).toEqual([
    { bits: 4, pinned: {} },
    { bits: 2.3, pinned: { a: 3 } },
  ]);
  choice.unpin('a');
  choice.setBits(4);
  await eventually(() => expect(choice.problem.value).toBeUndefined());
  expect(choice.requests()).toEqual([{ bits: 4, pinned: {} }]);
  choice.close();
});

test('a plan has one bitrate or several, within what the format has', () => {
  const draft = new Draft(coordinator({}));
  draft.setBits(99);
  expect(draft.bits.value).toEqual([8]);
  draft.setBits(4.004);
  draft.addBits();
  expect(draft.bits.value).toEqual([4, 3]);
  expect(draft.active.value).toBe(1);
  draft.addBits();
  draft.addBits();
  expect(draft.bits.value).toEqual([4, 3, 2.5, 5]);
  draft.removeBits(3);
  draft.removeBits(0);
  expect(draft.bits.value).toEqual([3, 2.5]);
  expect(draft.active.value).toBe(1);
});

test('a folder that is opened later wins over one that answers later', async () => {
  const answers = new Map<string, (facts: typeof model) => void>();
  const draft = new Draft(
    coordinator({
      inspect: (source) =>
        new Promise((resolve) => {
          answers.set(source.kind === 'files' ? source.name : '', resolve);
        }),
    }),
  );
  const source = (name: string) => ({ kind: 'files', name, files: [] }) as const;
  const [one, two] = [draft.open(source('one')), draft.open(source('two'))];
  answers.get('two')?.({ ...model, name: 'two' });
  await two;
  answers.get('one')?.({ ...model, name: 'one' });
  await one;
  expect(draft.model.value).toMatchObject({ state: 'ready', value: { name: 'two' } });
});

test('the same model opened again has not failed when its first inspection is broken off', async () => {
  const ends: { resolve: (facts: typeof model) => void; reject: (reason: Error) => void }[] = [];
  const draft = new Draft(
    coordinator({ inspect: () => new Promise((resolve, reject) => ends.push({ resolve, reject })) }),
  );
  const source = { kind: 'demo' } as const;
  const [first, second] = [draft.open(source), draft.open(source)];
  ends[0]?.reject(new DOMException('aborted', 'AbortError'));
  await first;
  expect(draft.model.value.state).toBe('loading');
  ends[1]?.resolve(model);
  await second;
  expect(draft.model.value.state).toBe('ready');
});
