/** A job in a real browser whose calibration states have no room in memory, against the command line, which has it. */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Browser, Page } from 'puppeteer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { JobUpdate } from '../../workers/api/jobs.ts';
import type { JobPlan } from '../../workers/api/options.ts';
import { launchBrowser, openPage, type ServedPage, servePage } from '../support/browser.ts';
import { buildCli, runCli } from '../support/cli.ts';
import { onDisk, tinyModel } from '../support/tiny-model.ts';

const OPTIONS = {
  bits: [4],
  headBits: 6,
  quantizer: 'refined',
  preset: 'quick',
  chooseAfterMeasuring: false,
  gpuBudgetBytes: 2 ** 30,
  /** As much as the program itself takes: nothing is left to states. */
  memoryBudgetBytes: 370e6,
  seed: 0,
};

const model = onDisk(tinyModel(), 'tiny');
const output = join(dirname(model), 'out');

let site: ServedPage;
let browser: Browser;
let page: Page;
beforeAll(async () => {
  site = await servePage('test/e2e/backend/index.html');
  buildCli();
  browser = await launchBrowser();
  page = await openPage(browser);
  await page.goto(site.url);
  await page.waitForFunction('globalThis.backend');
  const files = Object.fromEntries([...tinyModel()].map(([path, data]) => [path, data.toString('base64')]));
  await run(`(async () => {
    globalThis.model = { kind: 'handle', handle: await backend.folder('tiny', ${JSON.stringify(files)}) };
  })()`);
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

const run = <T>(code: string): Promise<T> => page.evaluate(code) as Promise<T>;

/** Tells of times. */
const REPORT = 'report.html';

/** Paths of all files in the browser's storage. */
const STORED = `(async () => {
  const below = async (folder, prefix) => {
    const paths = [];
    for await (const [name, entry] of folder.entries())
      paths.push(...(entry.kind === 'directory' ? await below(entry, prefix + name + '/') : [prefix + name]));
    return paths;
  };
  return below(await navigator.storage.getDirectory(), '');
})()`;

test('with states on disk a conversion leaves the same bytes as with all in memory, and nothing of them', async () => {
  const asked = JSON.stringify(OPTIONS);
  const { gpuBytes } = await run<JobPlan>(`backend.api.plan(model, ${asked})`);
  const options = { ...OPTIONS, gpuBudgetBytes: Math.ceil(gpuBytes * 1.02) };
  const plan = await run<JobPlan>(`backend.api.plan(model, ${JSON.stringify(options)})`);
  expect(plan.states.diskBytes).toBeGreaterThan(0);

  const id = await run<string>(`backend.api.start(model, { kind: 'storage' }, ${JSON.stringify(options)})`);
  const ended = await run<JobUpdate & { type: 'record' }>(
    `backend.seen((u) => u.type === 'record' && u.record.id === '${id}' && ['done', 'failed'].includes(u.record.state))`,
  );
  expect(ended.record.error).toBeUndefined();
  const updates = await run<(JobUpdate & { type: 'events' })[]>(
    `backend.updates.filter((u) => u.type === 'events')`,
  );
  const events = updates.flatMap((update) => update.events);
  const states = events.flatMap((event) => (event.type === 'memory' ? [event.states] : []));
  expect(Math.max(...states.map(({ memoryBytes }) => memoryBytes))).toBe(0);
  const most = Math.max(...states.map(({ diskBytes }) => diskBytes));
  expect(most).toBeGreaterThan(0.9 * plan.states.diskBytes);
  expect((await run<string[]>(STORED)).filter((path) => path.endsWith('.partial'))).toEqual([]);

  const gpu = ['--gpu-memory-budget', `${options.gpuBudgetBytes}B`];
  const common = ['-i', model, '--preset', 'quick', '-hb', '6', '-b', '4', ...gpu];
  const { code, stderr } = await runCli([...common, '-o', join(dirname(model), 'work'), '-cf', output]);
  expect(code, stderr).toBe(0);
  const paths = readdirSync(output).filter((path) => path !== REPORT);
  const digest = (path: string) =>
    createHash('sha256')
      .update(readFileSync(join(output, path)))
      .digest('hex');
  const digests = await run(
    `backend.api.outputFiles('${id}', 4).then((files) => backend.digests(files.filter(({ path }) => path !== '${REPORT}')))`,
  );
  expect(digests).toEqual(Object.fromEntries(paths.map((path) => [path, digest(path)])));
});
