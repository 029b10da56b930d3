/** Whole jobs behind the page, in a real browser, against what the command line makes of the same model. */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Browser, Page } from 'puppeteer';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { memorySource } from '../../src/io/platform/memory-directory.ts';
import { openSafetensors } from '../../src/io/safetensors/reader.ts';
import type { ConvertEvent } from '../../src/job/events.ts';
import type { GpuFacts } from '../../workers/api/gpu.ts';
import type { JobRecord, JobUpdate, MeasuredModule, PlannedAllocation } from '../../workers/api/jobs.ts';
import type { ModelFacts } from '../../workers/api/model.ts';
import type { JobPlan } from '../../workers/api/options.ts';
import { launchBrowser, openPage, type ServedPage, servePage } from '../support/browser.ts';
import { buildCli, runCli } from '../support/cli.ts';
import { eventually } from '../support/patience.ts';
import { onDisk, tinyModel } from '../support/tiny-model.ts';

const OPTIONS = {
  bits: [4, 5],
  headBits: 6,
  quantizer: 'refined',
  preset: 'quick',
  chooseAfterMeasuring: false,
  gpuBudgetBytes: 2 ** 30,
  seed: 0,
};

const model = onDisk(tinyModel(), 'tiny');
const place = (name: string) => join(dirname(model), name);

let site: ServedPage;
let browser: Browser;
let page: Page;
/** What the command line makes: digests of the files at 4 and at 5 bits per weight. */
let expected: Promise<Record<4 | 5, Record<string, string>>>;

beforeAll(async () => {
  site = await servePage('test/e2e/backend/index.html');
  buildCli();
  expected = convertWithCommandLine();
  expected.catch(() => {}); // thrown where it is waited for
});
afterAll(() => site?.close());

/** Each test has a browser of its own, so that none finds what an earlier one has left. */
beforeEach(async () => {
  browser = await launchBrowser();
  page = await openPage(browser);
  await open();
});
afterEach(() => browser?.close());

async function convertWithCommandLine() {
  const common = ['-i', model, '--preset', 'quick', '-hb', '6'];
  const measurement = join(place('work4'), 'measurement.json');
  await commandLine([...common, '-b', '4', '-o', place('work4'), '-cf', place('out4')]);
  await commandLine([...common, '-b', '5', '-o', place('work5'), '-cf', place('out5'), '-m', measurement]);
  return { 4: digestsOf(place('out4')), 5: digestsOf(place('out5')) };
}

async function commandLine(args: readonly string[]): Promise<void> {
  const { code, stderr } = await runCli(args);
  if (code !== 0) throw new Error(`The command line ended with ${code}: ${stderr}`);
}

/** Tells of times. */
const REPORT = 'report.html';

/** SHA-256 of each file of a folder but the report, in hex. */
const digestsOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder)
      .filter((path) => path !== REPORT)
      .map((path) => [
        path,
        createHash('sha256')
          .update(readFileSync(join(folder, path)))
          .digest('hex'),
      ]),
  );

/** Opens the page, or opens it anew, with the tiny model in a folder of its storage. */
async function open(): Promise<void> {
  await page.goto(site.url);
  await page.waitForFunction('globalThis.backend');
  const files = Object.fromEntries([...tinyModel()].map(([path, data]) => [path, data.toString('base64')]));
  await run(`(async () => {
    globalThis.model = { kind: 'handle', handle: await backend.folder('tiny', ${JSON.stringify(files)}) };
    globalThis.options = ${JSON.stringify(OPTIONS)};
  })()`);
}

/** Runs an expression in the page, where `backend.api` is the coordinator. */
const run = <T>(code: string): Promise<T> => page.evaluate(code) as Promise<T>;

const start = (output: string, options: string, source = 'model') =>
  run<string>(`(async () => backend.api.start(${source}, ${output}, { ...options, ...${options} }))()`);

/** The record of a job once it is in one of these states. */
async function reaches(id: string, ...states: JobRecord['state'][]): Promise<JobRecord> {
  const update = await run<JobUpdate & { type: 'record' }>(
    `backend.seen((u) => u.type === 'record' && u.record.id === '${id}' && ${JSON.stringify(states)}.includes(u.record.state))`,
  );
  return update.record;
}

/**
 * The first event, past or to come, of which the JavaScript condition on `e` holds.
 * @param then what the page does with the job at once: before a word from here arrives it may have come to its end.
 */
const sees = (id: string, condition: string, then?: 'pause' | 'cancel'): Promise<unknown> =>
  run(
    `backend.seen((u) => u.type === 'events' && u.id === '${id}' && u.events.some((e) => ${condition}))` +
      (then ? `.then(() => backend.api.${then}('${id}'))` : ''),
  );

const forget = () => run('void (backend.updates.length = 0)');

const events = async (id: string): Promise<ConvertEvent[]> => {
  const updates = await run<(JobUpdate & { type: 'events' })[]>(
    `backend.updates.filter((u) => u.type === 'events' && u.id === '${id}')`,
  );
  return updates.flatMap((update) => update.events);
};

const digests = (id: string, bits: number): Promise<Record<string, string>> =>
  run(
    `backend.api.outputFiles('${id}', ${bits}).then((files) => backend.digests(files.filter(({ path }) => path !== '${REPORT}')))`,
  );

const record = async (id: string): Promise<JobRecord> =>
  (await run<JobRecord[]>('backend.api.jobs()')).find((job) => job.id === id)!;

/** The page before a reload takes a while to let its job go. */
const isInterrupted = (id: string) =>
  eventually(async () => expect((await record(id)).state).toBe('interrupted'));

const remove = (id: string) => run(`backend.api.remove('${id}')`);

/** The GPU worker, to break things in it. */
const gpuWorker = () => page.workers().find((worker) => worker.url().includes('gpu-worker'))!;

const jobWorkers = () => page.workers().filter((worker) => worker.url().includes('job-worker'));

/** Options for a job that only quantizes, by what the command line has measured. */
async function measured(): Promise<string> {
  await expected;
  return `{ bits: [4], measurement: ${readFileSync(join(place('work4'), 'measurement.json'), 'utf8')} }`;
}

test('the speed of the GPU is measured once, not at every visit', async () => {
  const { flopsPerSecond } = await run<GpuFacts>('backend.api.gpu()');
  await open();
  expect((await run<GpuFacts>('backend.api.gpu()')).flopsPerSecond).toBe(flopsPerSecond);
});

test('GPU, model and plan are known before any work', async () => {
  const gpu = await run<GpuFacts>('backend.api.gpu()');
  expect(gpu).toMatchObject({
    software: true,
    name: expect.stringMatching(/swiftshader/i),
    budgetBytes: 2 ** 30,
  });
  expect(gpu.flopsPerSecond).toBeGreaterThan(1e6);

  const facts = await run<ModelFacts>('backend.api.inspect(model)');
  expect(facts).toMatchObject({ name: 'tiny', architecture: 'LlamaForCausalLM', layers: 1, dtypes: ['F16'] });
  expect(facts.modules.map(({ kind, linears }) => [kind, linears.length])).toEqual([
    ['attention', 4],
    ['mlp', 3],
  ]);
  expect(facts.warnings.join()).toMatch(/no use for 16 of the tensors/);

  const plan = await run<JobPlan>('backend.api.plan(model, options)');
  expect(plan.outputBytes[0]).toBeLessThan(plan.outputBytes[1]!);
  expect(plan.diskBytes).toBeGreaterThan(plan.outputBytes[0]! + plan.outputBytes[1]!);
  // Operations: the times themselves follow from how busy the machine was when the GPU was measured.
  expect(plan.times.target * gpu.flopsPerSecond).toBeGreaterThan(1e8);
  expect(plan.times.measure * gpu.flopsPerSecond).toBeLessThan(6e12);
  expect(await run('backend.api.secondGpu()')).toBeUndefined();
  expect(plan.problems.filter(({ severe }) => severe)).toEqual([]);

  const worse = await run<JobPlan>(
    'backend.api.plan(model, { ...options, bits: [4, 1.5], gpuBudgetBytes: 1e6 })',
  );
  const texts = worse.problems.filter(({ severe }) => severe).map(({ text }) => text);
  expect(texts.join('\n')).toMatch(/1\.5.* bits per weight is too little/);
  expect(texts.join('\n')).toMatch(/GPU memory are needed/);
});

test('the demo model is there', async () => {
  const facts = await run<ModelFacts>(`backend.api.inspect({ kind: 'demo' })`);
  expect(facts).toMatchObject({ name: 'tinystories-7m', layers: 6, bytes: 13_644_256, warnings: [] });
});

test('two bitrates come from one measurement, byte for byte as from the command line, also after a pause', async () => {
  const id = await start(`{ kind: 'storage' }`, '{}');
  await sees(id, `e.type === 'module'`, 'pause');
  expect((await record(id)).state).toBe('paused');
  const tab = await openPage(browser);
  await tab.goto(site.url);
  await tab.waitForFunction('globalThis.backend');
  expect(
    await tab.evaluate(`backend.api.jobs().then((jobs) => jobs.map((job) => [job.state, job.elsewhere]))`),
  ).toEqual([['paused', true]]);
  await expect(tab.evaluate(`backend.api.remove('${id}')`)).rejects.toThrow(/under way in another tab/);
  await tab.close();
  expect(await events(id)).not.toContainEqual(expect.objectContaining({ stage: 'measure', state: 'done' }));
  await run(`backend.api.unpause('${id}')`);

  const { results, state } = await reaches(id, 'done', 'failed');
  expect(state).toBe('done');
  const seen = await events(id);
  const measured = seen.filter((e) => e.type === 'stage' && e.stage === 'measure' && e.state === 'started');
  expect(measured).toHaveLength(1);
  // ExLlamaV2's tables, and two more that tell the linears' parts in the error.
  expect(seen.filter((e) => e.type === 'trial' && !e.predicted)).toHaveLength(24 + 21);
  expect(results.map(({ bits, files }) => [bits, files.map(({ path }) => path)])).toEqual(
    [4, 5].map((bits) => [
      bits,
      [
        'README.md',
        'config.json',
        'output.safetensors',
        'report.html',
        'tokenizer.json',
        'tokenizer_config.json',
      ],
    ]),
  );
  expect(Object.keys(results[0]!.rfnErrors)).toEqual(['model.layers.0.self_attn', 'model.layers.0.mlp']);
  const linears = seen.flatMap((e) =>
    e.type === 'linear' && e.error !== undefined ? [[e.key, e.error]] : [],
  );
  expect(linears).toHaveLength(2 * 7);
  expect(Object.fromEntries(linears.slice(0, 7))).toEqual(results[0]!.linearErrors);
  expect(results[0]!.bitsPerWeight).toBeLessThanOrEqual(4);
  expect(results[0]!.evaluation?.divergence.mean).toBeGreaterThan(results[1]!.evaluation!.divergence.mean);

  const { 4: at4, 5: at5 } = await expected;
  const measurement: unknown = JSON.parse(readFileSync(join(place('work4'), 'measurement.json'), 'utf8'));
  expect(await run(`backend.api.measurementJson('${id}')`)).toEqual(measurement);
  expect(await digests(id, 4)).toEqual(at4);
  expect(await digests(id, 5)).toEqual(at5);
  await remove(id);
  expect(await run('backend.api.jobs()')).toEqual([]);
  await expect(digests(id, 4)).rejects.toThrow(/no job/);
});

test('a reload interrupts measuring; it goes on, and the user chooses and pins', async () => {
  const id = await start(`{ kind: 'storage' }`, '{ bits: [4], chooseAfterMeasuring: true }');
  await sees(id, `e.type === 'module'`, 'pause');
  await open();
  await isInterrupted(id);
  await run(`backend.api.resume('${id}')`);
  expect((await reaches(id, 'choosing', 'failed')).state).toBe('choosing');
  const [first, second] = (await events(id)).filter((e) => e.type === 'module');
  expect([first?.resumed, second?.resumed]).toEqual([true, false]);

  const modules = await run<MeasuredModule[]>(`backend.api.measurement('${id}')`);
  const told = (await events(id)).flatMap((e) => (e.type === 'trial' ? [e.module] : []));
  for (const { key, candidates } of modules) {
    expect(told.filter((module) => module === key)).toHaveLength(candidates.length);
    expect(candidates.length).toBeGreaterThan(24);
  }
  const free = await run<PlannedAllocation>(`backend.api.allocate('${id}', { bits: 4, pinned: {} })`);
  const pin = { 'model.layers.0.mlp': 0 };
  const pinned = await run<PlannedAllocation>(
    `backend.api.allocate('${id}', { bits: 4, pinned: ${JSON.stringify(pin)} })`,
  );
  expect(free.modules[1]!.candidate).toBeGreaterThan(0);
  expect(pinned.modules[1]!.candidate).toBe(0);
  await expect(run(`backend.api.allocate('${id}', { bits: 1, pinned: {} })`)).rejects.toThrow(/too little/);

  await forget();
  await run(`backend.api.quantize('${id}', [{ bits: 4, pinned: ${JSON.stringify(pin)} }])`);
  const { results } = await reaches(id, 'done', 'failed');
  const { outputBytes, ...allocation } = pinned;
  expect(results[0]!.allocation).toEqual(allocation);
  const weights = results[0]!.files.find(({ path }) => path === 'output.safetensors')!;
  expect(Math.abs(outputBytes / weights.size - 1)).toBeLessThan(0.001);
  const bytes = await run<string>(`backend.api.outputFiles('${id}', 4).then(async (files) => {
    const { file } = files.find(({ path }) => path === 'output.safetensors');
    return new Uint8Array(await file.arrayBuffer()).toBase64();
  })`);
  const output = await openSafetensors(memorySource(Buffer.from(bytes, 'base64'), 'output'));
  expect(output.tensors.get('model.layers.0.mlp.up_proj.q_weight')).toBeDefined();
  await remove(id);
});

test('a dropped folder is converted into a folder; cancelled, resumed, reloaded and resumed, the bytes are the same', async () => {
  await drop(model);
  const id = await start(
    `{ kind: 'handle', handle: await backend.folder('out') }`,
    await measured(),
    dropped,
  );
  await sees(id, `e.type === 'module' && e.stage === 'quantize'`, 'cancel');
  expect((await record(id)).state).toBe('cancelled');

  await forget();
  await run(`backend.api.resume('${id}')`);
  await sees(id, `e.type === 'module' && e.resumed`, 'pause');
  await open();
  await isInterrupted(id);
  // The browser forgets what it permitted; a folder that is given again must be the same.
  expect(await run(`backend.api.handles('${id}').then((all) => all.map(({ mode }) => mode))`)).toEqual([
    'read',
  ]);
  await expect(run(`backend.api.resume('${id}')`)).rejects.toThrow(/does not permit/);
  await expect(run(`backend.api.resume('${id}', { kind: 'demo' })`)).rejects.toThrow(
    /does not hold the tiny/,
  );
  await run(`backend.api.resume('${id}', model)`);

  expect((await reaches(id, 'done', 'failed')).state).toBe('done');
  expect(await digests(id, 4)).toEqual((await expected)[4]);
  const names = await run(`backend.folder('out').then((out) => Array.fromAsync(out.keys()))`);
  expect(names).toEqual(['tiny-4bpw-exl2']);
  await remove(id);
});

/** A job whose GPU is lost while it quantizes comes to the same bytes, and tells of it. */
async function goesOnAfter(lose: () => Promise<unknown>): Promise<void> {
  const id = await start(`{ kind: 'storage' }`, await measured());
  await sees(id, `e.type === 'module' && e.stage === 'quantize'`, 'pause');
  await lose();
  await run(`backend.api.unpause('${id}')`);
  const { state, error } = await reaches(id, 'done', 'failed');
  expect([state, error]).toEqual(['done', undefined]);
  const warnings = (await events(id)).filter((e) => e.type === 'warning').map(({ message }) => message);
  expect(warnings.join()).toMatch(/The GPU was lost.*attempt 1 of 3/);
  expect(await digests(id, 4)).toEqual((await expected)[4]);
  await remove(id);
}

test('a lost device is replaced, and the job goes on by itself', async () => {
  await run('backend.api.gpu()');
  await gpuWorker().evaluate(() => {
    const { requestDevice } = GPUAdapter.prototype;
    GPUAdapter.prototype.requestDevice = async function (descriptor) {
      const device = await requestDevice.call(this, descriptor);
      Object.assign(globalThis, { device });
      return device;
    };
  });
  await goesOnAfter(() => gpuWorker().evaluate('device.destroy()'));
});

test('a GPU worker that ends without a word is started again, and the job goes on', async () => {
  await goesOnAfter(async () => {
    await gpuWorker()
      .evaluate('close()')
      .catch(() => {}); // it cannot answer any more
  });
});

test('two workers that share a job make the same bytes, also when it is cancelled and goes on', async () => {
  const id = await start(`{ kind: 'storage' }`, '{ bits: [4], workers: 2 }');
  await sees(id, `e.type === 'workers' && e.workers[1].doing.startsWith('measures')`, 'cancel');
  expect((await record(id)).state).toBe('cancelled');
  await eventually(() => expect(jobWorkers()).toEqual([]));
  await run(`backend.api.resume('${id}')`);
  expect((await reaches(id, 'done', 'failed')).state).toBe('done');
  const seen = await events(id);
  expect(seen.filter((e) => e.type === 'warning' && /worker/.test(e.message))).toEqual([]);
  const helped = seen.flatMap((e) => (e.type === 'workers' ? [e.workers[1]!] : []));
  expect(helped.map(({ busy }) => busy).some((busy) => busy > 0)).toBe(true);
  expect(helped[0]!.adapter).toMatch(/swiftshader/i);
  expect(await digests(id, 4)).toEqual((await expected)[4]);
  await eventually(() => expect(jobWorkers()).toEqual([]));
  await remove(id);
});

test('what a worker on the other GPU had under way when it ended is done by the first, after a pause too', async () => {
  const gpus = `gpus: ['high-performance', 'low-power']`;
  const id = await start(`{ kind: 'storage' }`, `{ bits: [4], ${gpus} }`);
  await sees(id, `e.type === 'workers' && e.workers[1].doing.startsWith('measures')`, 'pause');
  await jobWorkers()[0]!
    .evaluate('close()')
    .catch(() => {}); // it cannot answer any more
  await sees(id, `e.type === 'warning' && /worker 2 .* is lost: its worker has ended/.test(e.message)`);
  await run(`backend.api.unpause('${id}')`);
  expect((await reaches(id, 'done', 'failed')).state).toBe('done');
  expect(await digests(id, 4)).toEqual((await expected)[4]);
  await remove(id);
});

test('a full disk stops the job with what it needs; with room again it goes on', async () => {
  const client = await page.createCDPSession();
  const { origin } = new URL(site.url);
  const id = await start(`{ kind: 'storage' }`, await measured());
  await sees(id, `e.type === 'start'`, 'pause');
  const { usage } = await run<{ usage: number }>('navigator.storage.estimate()');
  await client.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: usage + 100_000 });
  await run(`backend.api.unpause('${id}')`);
  const { state, error } = await reaches(id, 'failed', 'done');
  expect(state).toBe('failed');
  expect(error?.name).toBe('FullDiskError');
  expect(error?.message).toMatch(
    /no space is left.*The job takes \d.* in all.*own storage holds .* of the /s,
  );
  await client.send('Storage.overrideQuotaForOrigin', { origin });
  await forget();
  await run(`backend.api.resume('${id}')`);
  expect((await reaches(id, 'done', 'failed')).state).toBe('done');
  expect(await digests(id, 4)).toEqual((await expected)[4]);
  await remove(id);
});

test('what is wrong with a folder is said at once, and nothing of the user’s is overwritten', async () => {
  const files = (change: (files: Map<string, Buffer>) => void) => {
    const changed = tinyModel();
    change(changed);
    const list = [...changed].map(
      ([path, data]) =>
        `{ path: '${path}', file: new File([backend.bytes('${data.toString('base64')}')], '${path}') }`,
    );
    return `{ kind: 'files', name: 'broken', files: [${list}] }`;
  };
  const inspect = (source: string) => run(`backend.api.inspect(${source})`);
  const config = (change: object) =>
    files((all) => {
      all.set(
        'config.json',
        Buffer.from(JSON.stringify({ ...JSON.parse(String(all.get('config.json'))), ...change })),
      );
    });
  await expect(inspect(files(() => {}))).resolves.toMatchObject({ name: 'broken', layers: 1 });
  await expect(inspect(files((all) => all.delete('config.json')))).rejects.toThrow(
    /InputError.*broken has no config\.json/s,
  );
  await expect(inspect(files((all) => all.delete('tokenizer.json')))).rejects.toThrow(/no tokenizer\.json/);
  await expect(
    inspect(files((all) => all.set('model.safetensors', all.get('model.safetensors')!.subarray(0, 300_000)))),
  ).rejects.toThrow(/InputError.*broken\/model\.safetensors/s);
  await expect(inspect(config({ architectures: ['MambaForCausalLM'] }))).rejects.toThrow(
    /UnsupportedError.*MambaForCausalLM is not supported/s,
  );
  await expect(inspect(`{ kind: 'files', name: 'broken', files: [] }`)).rejects.toThrow(
    /Choose the folder broken again/,
  );

  await run(`(async () => {
    const folder = await (await backend.folder('full')).getDirectoryHandle('tiny-4bpw-exl2', { create: true });
    await (await folder.getFileHandle('letter.txt', { create: true })).createWritable().then((file) => file.close());
  })()`);
  await expect(start(`{ kind: 'handle', handle: await backend.folder('full') }`, '{}')).rejects.toThrow(
    /holds files that are not an EXL2 model \(letter\.txt/,
  );
  expect(await run('backend.api.jobs()')).toEqual([]);
});

const dropped = `{ kind: 'handle', handle: backend.dropped[0] }`;

/** Drops a folder of the disk on the page: the browser gives a real handle for it. */
async function drop(path: string): Promise<void> {
  const client = await page.createCDPSession();
  const data = { items: [], files: [path], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await client.send('Input.dispatchDragEvent', { type, x: 20, y: 20, data });
  }
  await page.waitForFunction('backend.dropped.length > 0');
}
