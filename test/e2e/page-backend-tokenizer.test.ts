/** Tokenizers that come to no end, behind the page in a real browser. */

import type { Browser, Page } from 'puppeteer';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { WORK_LIMIT_MS } from '../../src/tokenizer/limits.ts';
import type { JobRecord } from '../../workers/api/jobs.ts';
import type { ModelFacts } from '../../workers/api/model.ts';
import { launchBrowser, openPage, type ServedPage, servePage } from '../support/browser.ts';
import { endlessTokenizer } from '../support/endless-tokenizer.ts';
import { eventually } from '../support/patience.ts';
import { tinyModel } from '../support/tiny-model.ts';

let site: ServedPage;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  site = await servePage('test/e2e/backend/index.html');
});
afterAll(() => site?.close());

beforeEach(async () => {
  browser = await launchBrowser();
  page = await openPage(browser);
  await page.goto(site.url);
  await page.waitForFunction('globalThis.backend');
  const folders = {
    whole: tinyModel(),
    endless: endlessTokenizer('encode'),
    unloadable: endlessTokenizer('load'),
  };
  for (const [name, files] of Object.entries(folders)) {
    const data = Object.fromEntries([...files].map(([path, bytes]) => [path, bytes.toString('base64')]));
    await run(`(async () => {
      globalThis.${name} = { kind: 'handle', handle: await backend.folder('${name}', ${JSON.stringify(data)}) };
    })()`);
  }
});
afterEach(() => browser?.close());

/** Runs an expression in the page, where `backend.api` is the coordinator. */
const run = <T>(code: string): Promise<T> => page.evaluate(code) as Promise<T>;

const workers = (name: string) => page.workers().filter((worker) => worker.url().includes(name));
const tokenizers = () => workers('tokenizer-worker');

/** Lets the limit of tokenizers in a worker come at once, when `__atLimit` is called. */
const holdLimits = (name: 'coordinator' | 'gpu-worker') =>
  workers(name)[0]!.evaluate((limit) => {
    const [start, stop] = [setTimeout, clearTimeout];
    const held = new Map<number, () => void>();
    Object.assign(globalThis, {
      setTimeout: (work: () => void, ms: number) => {
        if (ms !== limit) return start(work, ms);
        held.set(-1 - held.size, work);
        return -held.size;
      },
      clearTimeout: (timer: number) => (timer < 0 ? held.set(timer, () => {}) : stop(timer)),
      __atLimit: () => {
        for (const work of held.values()) work();
      },
    });
  }, WORK_LIMIT_MS);

const limitComes = (name: 'coordinator' | 'gpu-worker') => workers(name)[0]!.evaluate('__atLimit()');

const START = `backend.api.start(endless, { kind: 'storage' }, {
  bits: [4], headBits: 6, quantizer: 'refined', preset: 'quick', chooseAfterMeasuring: false,
  gpuBudgetBytes: 2 ** 30, seed: 0,
})`;

/** Resolves when its calibration rows are being made. */
const calibrates = (id: string) =>
  run(
    `backend.seen((u) => u.type === 'events' && u.id === '${id}' && u.events.some((e) => e.stage === 'calibrate'))`,
  );

test('while one is opened the page answers; choosing another model ends it', async () => {
  await run(`void (globalThis.first = backend.api.inspect(unloadable).catch(({ name }) => name))`);
  await eventually(() => expect(tokenizers()).toHaveLength(1));
  expect(await run('backend.api.jobs()')).toEqual([]);
  expect(await run<ModelFacts>('backend.api.inspect(whole)')).toMatchObject({ name: 'whole', layers: 1 });
  expect(await run('first')).toBe('AbortError');
  await eventually(() => expect(tokenizers()).toEqual([]));
});

test('the limit ends one that is opened, and says which file it is', async () => {
  await holdLimits('coordinator');
  await run(
    `void (globalThis.first = backend.api.inspect(unloadable).catch(({ name, message }) => name + ': ' + message))`,
  );
  await run(`void first.then(() => { globalThis.ended = true; })`);
  await eventually(async () => {
    await limitComes('coordinator');
    expect(await run('globalThis.ended')).toBe(true);
  });
  expect(await run('first')).toMatch(
    /^UnsupportedError: unloadable\/tokenizer\.json: loading it failed: it takes more than 120 s, as patterns/,
  );
  await eventually(() => expect(tokenizers()).toEqual([]));
});

test('a job whose text is never turned into tokens fails at the limit; resumed, it is cancelled at once', async () => {
  await run('backend.api.gpu()');
  await holdLimits('gpu-worker');
  const id = await run<string>(START);
  await calibrates(id);
  const failed = await eventually(async () => {
    await limitComes('gpu-worker');
    const [job] = await run<JobRecord[]>('backend.api.jobs()');
    expect(job?.state).toBe('failed');
    return job;
  });
  expect(failed?.error).toEqual({
    name: 'UnsupportedError',
    message: expect.stringMatching(
      /^endless\/tokenizer\.json: turning text into tokens failed: it takes more than 120 s, as patterns/,
    ),
  });
  await eventually(() => expect(tokenizers()).toEqual([]));

  await run('void (backend.updates.length = 0)');
  await run(`backend.api.resume('${id}')`);
  await calibrates(id);
  await run(`backend.api.cancel('${id}')`);
  expect(await run<JobRecord[]>('backend.api.jobs()')).toMatchObject([{ id, state: 'cancelled' }]);
  await eventually(() => expect(tokenizers()).toEqual([]));
  // It was not the GPU worker that had to be ended: this one still holds the limits.
  await limitComes('gpu-worker');
});
