/** Every screen and state of the page, as the playing coordinator brings it about. */

import type { Page } from 'puppeteer';

export interface Screen {
  readonly name: string;
  /** Query and fragment of the address. */
  readonly address: string;
  /** What is done there; every step is the start of a button's or link's text. */
  readonly clicks?: readonly string[];
  /** Text that is there when the screen is complete. */
  readonly shows: string;
}

const PLAN = 'Try it with the small model';

/** Adds the model once more while a conversion is under way. */
const ADD = ['exl2-web', PLAN, 'Add to queue'];

/** Of a linear of a job at 4 bpw. */
const inspect = (id: string, card: number): string =>
  `#job=${id}/inspect=model.layers.0.self_attn.q_proj/bits=4/card=${card}`;

export const SCREENS: readonly Screen[] = [
  { name: 'start', address: '', shows: 'None yet' },
  { name: 'start with jobs', address: '?jobs=some', shows: 'waits for your choice' },
  { name: 'no WebGPU', address: '?gpu=none', shows: 'no access to a GPU' },
  { name: 'software adapter', address: '?gpu=software', shows: 'the CPU computes instead' },
  { name: 'plan', address: '?model=large', clicks: [PLAN], shows: 'of disk' },
  {
    name: 'plan with problems and options',
    address: '?plan=problems',
    clicks: [PLAN, 'More options', '+ another bitrate'],
    shows: 'In the way',
  },
  {
    name: 'plan on a GPU with matrix units',
    address: '?model=large&gpu=matrix',
    clicks: [PLAN, 'More options'],
    shows: 'on matrix units 58.2 TFLOP/s',
  },
  { name: 'folder that is no model', address: '?model=broken', clicks: [PLAN], shows: 'cannot be converted' },
  { name: 'plan after a reload', address: '#plan', shows: 'No model is chosen' },
  {
    name: 'measuring',
    address: '?hold=measure:7&pace=5',
    clicks: [PLAN, 'Convert'],
    shows: 'Layer 4, attention',
  },
  {
    name: 'quantizing, with the log',
    address: '?hold=quantize:6&pace=5',
    clicks: [PLAN, 'Convert', 'Log'],
    shows: 'Layer 3, attention quantized',
  },
  {
    name: 'a plan with experts',
    address: '?model=experts',
    clicks: [PLAN],
    shows: 'of disk',
  },
  {
    name: 'measuring experts',
    address: '?model=experts&workers=2&hold=measure:4&pace=5',
    clicks: [PLAN, 'Convert'],
    shows: 'Layer 2, experts',
  },
  {
    name: 'quantizing experts, with each of them and the log',
    address: '?model=experts&workers=4&hold=quantize:4&pace=5',
    clicks: [PLAN, 'Convert', 'Each expert', 'Log'],
    shows: 'Layer 1, experts 0–3 quantized',
  },
  {
    name: 'choosing for experts',
    address: '?model=experts&jobs=some#job=choosing',
    clicks: ['3.48'],
    shows: 'what is best for all',
  },
  {
    name: 'done, with 128 experts a layer',
    address: '?model=many experts&jobs=some#job=done',
    clicks: ['4.66', 'Each expert'],
    shows: '128 experts: ',
  },
  {
    name: 'quantizing 80 layers',
    address: '?model=huge&hold=quantize:40&pace=1',
    clicks: [PLAN, 'Convert'],
    shows: 'Layer 20, attention',
  },
  {
    name: 'four workers',
    address: '?model=large&workers=4&hold=measure:7&pace=5',
    clicks: [PLAN, 'Convert'],
    shows: 'Layer 4, attention',
  },
  {
    name: 'plan beside a conversion',
    address: '?model=large&hold=measure:7&pace=5',
    clicks: [PLAN, 'Convert', 'exl2-web', PLAN],
    shows: 'Add to queue',
  },
  {
    name: 'a choice of two GPUs',
    address: '?model=large&gpu=two',
    clicks: [PLAN, 'Intel Arc'],
    shows: 'of disk',
  },
  {
    name: 'a plan for both GPUs',
    address: '?model=large&gpu=two',
    clicks: [PLAN, 'Both share'],
    shows: 'on both GPUs',
  },
  {
    name: 'queue',
    address: '?jobs=some&model=large&hold=measure:7&pace=5',
    clicks: [PLAN, 'Convert', ...ADD, ...ADD],
    shows: 'number 2',
  },
  {
    name: 'queue on two GPUs',
    address: '?model=large&gpu=two&hold=measure:7&pace=5',
    clicks: [PLAN, 'Convert', ...ADD, 'exl2-web', PLAN, 'Intel Arc', 'Convert', 'exl2-web'],
    shows: 'on each GPU',
  },
  {
    name: 'waiting',
    address: '?model=large&hold=measure:7&pace=5',
    clicks: [PLAN, 'Convert', ...ADD, ...ADD, 'Mistral-7B-v0.34.00 bpwnumber 2'],
    shows: 'It is number 2',
  },
  { name: 'in another tab', address: '?jobs=some#job=elsewhere', shows: 'steer it there' },
  { name: 'skipped at its turn', address: '?jobs=some#job=locked', shows: 'turn was skipped' },
  {
    name: 'paused',
    address: '?hold=quantize:9&pace=30',
    clicks: [PLAN, 'Convert', 'Pause'],
    shows: 'The GPU is free',
  },
  { name: 'choosing', address: '?jobs=some#job=choosing', clicks: ['4.44'], shows: 'what is best for all' },
  { name: 'done', address: '?jobs=some#job=done', shows: 'Save all to a folder' },
  { name: 'done, in a folder', address: '?jobs=some#job=folder', shows: 'They are in the folder models' },
  {
    name: 'texts side by side',
    address: '?jobs=some#job=done',
    clicks: ['Generate'],
    shows: 'The first 14 tokens are the same',
  },
  {
    name: 'loading a model to try it',
    address: '?jobs=some&texts=loading#job=done',
    clicks: ['Generate'],
    shows: 'Loading the original',
  },
  {
    name: 'a text under way',
    address: '?jobs=some&texts=writing#job=folder',
    clicks: ['Generate'],
    shows: '21 tokens',
  },
  {
    name: 'an original as its files have it',
    address: '?jobs=some&texts=stored#job=folder',
    clicks: ['Generate'],
    shows: 'The first 14 tokens are the same',
  },
  {
    name: 'an original that is streamed',
    address: '?model=large&jobs=some&texts=streamed#job=folder',
    clicks: ['Generate'],
    shows: '0.081 tokens/s',
  },
  {
    name: 'an original whose files are gone',
    address: '?jobs=some&texts=gone#job=folder',
    clicks: ['Generate'],
    shows: 'ended by itself',
  },
  {
    name: 'no text while a conversion is under way',
    address: '?jobs=some&texts=busy#job=folder',
    clicks: ['Generate'],
    shows: 'Nothing was written',
  },
  {
    name: 'what a linear hears',
    address: `?jobs=some${inspect('done', 2)}`,
    shows: '38,912 calibration tokens',
  },
  {
    name: 'how a wide linear was rounded',
    address: `?jobs=some&model=large${inspect('done', 4)}`,
    shows: '256 of 4,096 rows',
  },
  {
    name: 'a linear whose output is locked',
    address: `?jobs=some&inspect=nothing${inspect('folder', 4)}`,
    shows: 'cannot be read now',
  },
  { name: 'not compared', address: '?jobs=some#job=not-compared', shows: 'Not compared' },
  { name: 'one of two compared', address: '?jobs=some#job=half-compared', shows: 'Not compared' },
  {
    name: 'one of two done, then cancelled',
    address: '?jobs=some#job=half-done',
    shows: 'Save all to a folder',
  },
  { name: 'a long name', address: '?model=named', clicks: [PLAN, 'Convert'], shows: 'left in this stage' },
  { name: 'no worker', address: '?worker=gone', shows: 'could not be started' },
  {
    name: 'a choice that is refused',
    address: '?jobs=some&quantize=refused#choose=done',
    clicks: ['Quantize'],
    shows: 'Another conversion makes that one.',
  },
  { name: 'another bitrate', address: '?jobs=some#choose=done', shows: 'elbow' },
  {
    name: 'a recorded conversion',
    address: '#demo',
    clicks: ['Step', 'Step', 'Step'],
    shows: 'of the whole',
  },
  {
    name: 'a recorded conversion, half done',
    address: '?gpu=none#demo',
    clicks: Array<string>(30).fill('Step'),
    shows: 'Quantization',
  },
  {
    name: 'what came out of the recorded conversion',
    address: '?gpu=none#demo',
    clicks: ['To the result'],
    shows: 'Where they part',
  },
  {
    name: 'a replay of a job of two bitrates',
    address: '?model=large&jobs=some#job=done',
    clicks: ['Replay', ...Array<string>(90).fill('Step')],
    shows: 'of the whole',
  },
  { name: 'no storage', address: '?storage=none', shows: 'lets this page keep nothing' },
  { name: 'interrupted while measuring', address: '?jobs=some#job=waited', shows: '5 of 12 modules' },
  { name: 'interrupted', address: '?jobs=some#job=interrupted', shows: 'was interrupted' },
  { name: 'interrupted, files forgotten', address: '?jobs=some#job=forgotten', shows: 'forgets which files' },
  { name: 'cancelled', address: '?jobs=some#job=cancelled', shows: 'was cancelled' },
  { name: 'disk full', address: '?jobs=some#job=failed', shows: 'no room left' },
  {
    name: 'failed',
    address: '?fail=measure:3&pace=5',
    clicks: [PLAN, 'Convert'],
    shows: 'The conversion failed',
  },
  { name: 'job that is gone', address: '?jobs=some#job=gone', shows: 'not here' },
];

/** Opens a screen and waits until it is complete. */
export async function showScreen(
  page: Page,
  url: string,
  { address, clicks = [], shows }: Screen,
): Promise<void> {
  await page.goto(`${url}${address}`);
  for (const text of clicks) await clickText(page, text);
  await waitForText(page, shows);
}

/**
 * Waits until something is true in the page. Not puppeteer's own way, which compiles the check there: the page's policy
 * forbids that.
 */
export async function waitUntil<Args extends unknown[]>(
  page: Page,
  check: (...args: Args) => boolean,
  ...args: Args
): Promise<void> {
  await page.evaluate(`(async () => {
    while (!(${check})(...${JSON.stringify(args)})) await new Promise(requestAnimationFrame);
  })()`);
}

/** Clicks the first enabled control or cell whose text starts so, as soon as there is one. */
export const clickText = (page: Page, text: string): Promise<void> =>
  waitUntil(
    page,
    (start) => {
      const controls = [...document.querySelectorAll<HTMLElement>('button, a, summary, td, label')];
      const found = controls.find(
        (each) => each.textContent?.trim().startsWith(start) && !each.matches(':disabled'),
      );
      found?.click();
      return found !== undefined;
    },
    text,
  );

export const waitForText = (page: Page, text: string): Promise<void> =>
  waitUntil(page, (wanted) => document.body.textContent.includes(wanted), text);

/** Waits until a conversion of the queue, as the first screen shows it, is in this state. */
export async function waitForQueued(page: Page, state: string): Promise<void> {
  await page.waitForFunction(
    (wanted) => [...document.querySelectorAll('.queue .state')].some((each) => each.textContent === wanted),
    {},
    state,
  );
}
