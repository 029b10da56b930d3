import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Card } from '../../src/cli/cards.ts';
import type { QueueOptions } from '../../src/cli/options.ts';
import { parseOptions } from '../../src/cli/parse-options.ts';
import { checkJobs } from '../../src/cli/queue/check-jobs.ts';
import { jobArguments, runQueue, type TellOfJob } from '../../src/cli/queue/run-queue.ts';
import { cardSlots } from '../../src/cli/queue/slots.ts';
import { InputError } from '../../src/util/errors.ts';
import { assembleModel } from '../support/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'queue '));
afterAll(() => rmSync(folder, { recursive: true }));

const places = { cwd: '/home/me', root: '/repo' };

function queueOf(...args: string[]): QueueOptions {
  const request = parseOptions(args, places);
  if (request.action !== 'queue') throw new Error(`asked for ${request.action}`);
  return request.queue;
}

const names = ({ jobs }: QueueOptions) => jobs.map(({ name }) => name);

test('models and bitrates that are repeated make a queue: every model at every bitrate', () => {
  const queue = queueOf('-i', 'a', '-i', '/models/b', '-b', '3', '-b', '4.5', '-hb', '8', '--jobs', '2');
  expect(names(queue)).toEqual(['a-3.0bpw', 'a-4.5bpw', 'b-3.0bpw', 'b-4.5bpw']);
  expect(queue.atATime).toBe(2);
  expect(queue.jobs[3]!.options).toMatchObject({
    inDir: '/models/b',
    bits: 4.5,
    headBits: 8,
    outputDir: '/repo/out/b-4.5bpw',
    workDir: '/repo/out/.b-4.5bpw.work',
  });
  expect(names(queueOf('-b', '3', '-b', '5'))).toEqual(['tinystories-7m-3.0bpw', 'tinystories-7m-5.0bpw']);
});

test('the output and the work directory that are given are where the folders of the jobs go', () => {
  const [job] = queueOf('-i', 'a', '-i', 'b', '-cf', 'x', '-o', 'y').jobs;
  expect(job!.options).toMatchObject({
    outputDir: '/home/me/x/a-4.0bpw',
    workDir: '/home/me/y/a-4.0bpw.work',
  });
});

test.each<[string, RegExp]>([
  ['-i a -i ./a/', /-i \/home\/me\/a is given twice/],
  ['-b 4 -b 4.0', /-b 4 is given twice/],
  ['-i x/a -i y/a', /\/home\/me\/x\/a and \/home\/me\/y\/a would both be written to \/repo\/out\/a-4\.0bpw/],
  ['-i x/a -i y/A', /would both be written/],
  ['-b 3 -b 9', /--bits must be a number from 2 to 8, not 9/],
  ['-i a -i b -m m.json', /--measurement is of one model, but 2 are given/],
  ['-b 3 -b 4 -om m.json', /--output_measurement only measures/],
  ['-i a -i a-4.0bpw -cf .', /--in_dir \/home\/me\/a-4\.0bpw and the output \/home\/me\/a-4\.0bpw must not/],
  ['-i a -i b -cf b', /--in_dir \/home\/me\/b and --compile_full \/home\/me\/b\/b-4\.0bpw must not/],
  ['-i a b', /"b" belongs to no option/],
  ['-i a -i b --jobs 0', /--jobs must be a whole number from 1/],
])('%s is refused', (line, message) => {
  const parse = () => queueOf(...line.split(' '));
  expect(parse).toThrow(InputError);
  expect(parse).toThrow(message);
});

const card = (number: number): Card => ({ number, name: 'GPU', file: `/dev/nvidia${number}` });

test('cards are divided among what runs at a time, or shared where there are too few', () => {
  const slots = (cards: number, count: number) =>
    cardSlots(
      Array.from({ length: cards }, (_, number) => card(number)),
      count,
    ).map((slot) => [slot.cards.map(({ number }) => number), slot.sharing]);
  expect(slots(4, 2)).toEqual([
    [[0, 1], 1],
    [[2, 3], 1],
  ]);
  expect(slots(3, 2)).toEqual([
    [[0], 1],
    [[1, 2], 1],
  ]);
  expect(slots(2, 3)).toEqual([
    [[0], 2],
    [[1], 1],
    [[0], 2],
  ]);
  expect(slots(0, 1)).toEqual([[[], 1]]);
  expect(slots(0, 2)).toEqual([
    [[], 2],
    [[], 2],
  ]);
});

test('a job is a command for one model and one bitrate with the same options', () => {
  const { jobs } = queueOf(
    '-i',
    'a',
    '-i',
    'b',
    '-b',
    '3.1',
    '-nr',
    '--seed=7',
    '-c',
    'with space.txt',
    '--gpus',
    'all',
  );
  for (const job of jobs) {
    const args = jobArguments(job, { cards: [card(2), card(3)], sharing: 1, slots: 1 }, 6e9, undefined);
    const { gpus: _, ...options } = job.options;
    expect(parseOptions(args, places)).toEqual({
      action: 'convert',
      options: { ...options, json: true, gpus: [2, 3] },
    });
  }
  const shared = jobArguments(jobs[0]!, { cards: [], sharing: 3, slots: 3 }, 6e9, '/w/measurement.json');
  expect(shared).toEqual(
    expect.arrayContaining([
      ...['--gpu-memory-budget=2000000000B', '--measurement=/w/measurement.json'],
      expect.stringMatching(/^--memory-budget=\d+B$/),
    ]),
  );
});

/** Stands for the command: a model named bad fails, one named slow goes on until it is interrupted. */
const COMMAND = `
  const value = (name) => process.argv.find((arg) => arg.startsWith('--' + name + '='))?.split('=')[1];
  const tell = (event) => console.log(JSON.stringify({ type: 'stage', ...event }));
  const model = value('in_dir').split('/').at(-1);
  console.log('a driver says something');
  console.error('error: the driver complains');
  if (model === 'bad') {
    console.error('Error: no good\\n  at all');
    process.exit(2);
  }
  tell({ stage: 'measure', state: value('measurement') ? 'reused' : 'done' });
  if (model === 'slow') {
    process.on('SIGINT', () => process.exit(130));
    setInterval(() => {}, 1000);
  }`;

/** Runs a queue of these; `onLine` hears what is told, as `model-3.0bpw measure done`. */
async function runFake(
  args: readonly string[],
  signal: AbortSignal,
  onLine: (line: string) => void = () => {},
) {
  const file = join(folder, 'command.mjs');
  writeFileSync(file, COMMAND);
  const lines: string[] = [];
  const reasons: (string | undefined)[] = [];
  const tell: TellOfJob = ({ name }, event) => {
    if (event.type !== 'job' && event.type !== 'stage')
      throw new Error(`not told by the script: ${event.type}`);
    const line = [name, ...(event.type === 'stage' ? [event.stage] : []), event.state].join(' ');
    lines.push(line);
    if (event.type === 'job' && event.state === 'failed') reasons.push(event.reason);
    onLine(line);
  };
  const code = await runQueue(queueOf(...args), { file, cards: [], memoryBudget: 6e9, tell, signal });
  return { code, lines, reasons };
}

test('a model is measured once, and a job that fails stops no other', async () => {
  const { signal } = new AbortController();
  const { code, lines, reasons } = await runFake(['-i', 'bad', '-i', 'good', '-b', '3', '-b', '4'], signal);
  expect(lines).toEqual([
    ...['bad-3.0bpw started', 'bad-3.0bpw failed', 'bad-4.0bpw started', 'bad-4.0bpw failed'],
    ...['good-3.0bpw started', 'good-3.0bpw measure done', 'good-3.0bpw done'],
    ...['good-4.0bpw started', 'good-4.0bpw measure reused', 'good-4.0bpw done'],
  ]);
  expect(code).toBe(2);
  expect(reasons).toEqual(['Error: no good\n  at all', 'Error: no good\n  at all']);
});

test('as many models run side by side as asked for; a queue that is stopped stops them all and starts no more', async () => {
  const controller = new AbortController();
  const args = ['-i', 'slow', '-i', 'a', '-i', 'x/slow/../b', '-i', 'c', '-b', '3', '--jobs', '2'];
  const { code, lines } = await runFake(args, controller.signal, (line) => {
    if (line === 'b-3.0bpw done') controller.abort();
  });
  expect(lines.slice(0, 2)).toEqual(['slow-3.0bpw started', 'a-3.0bpw started']);
  expect(lines.indexOf('a-3.0bpw done')).toBeLessThan(lines.indexOf('b-3.0bpw started'));
  expect(lines.at(-1)).toBe('slow-3.0bpw stopped');
  expect(lines).not.toContain('c-3.0bpw started');
  expect(code).toBe(130);
});

test('what is wrong with any job is said before the first one starts', async () => {
  const whole = assembleModel('llama_tied_bias', join(folder, 'whole'));
  const headless = assembleModel('qwen3', join(folder, 'headless'));
  rmSync(join(headless, 'tokenizer.json'));
  const out = join(folder, 'out');
  mkdirSync(join(out, 'whole-4.0bpw'), { recursive: true });
  writeFileSync(join(out, 'whole-4.0bpw', 'letter.txt'), 'Dear …');
  const { jobs } = queueOf('-i', whole, '-i', headless, '-i', '/none', '-b', '2', '-b', '4', '-cf', out);
  const check = checkJobs(jobs, { software: true });
  await expect(check).rejects.toThrow(InputError);
  await expect(check).rejects.toThrow(
    /Nothing was started.*whole-2\.0bpw: .* too little.*whole-4\.0bpw: .*letter\.txt.*headless has no tokenizer.*\/none/s,
  );
  await checkJobs(queueOf('-i', whole, '-b', '3', '-b', '4', '-cf', join(folder, 'free')).jobs, {
    software: true,
  });
});
