import { expect, test } from 'vitest';
import type { QueueOptions } from '../../src/cli/options.ts';
import { parseOptions } from '../../src/cli/parse-options.ts';
import { jsonQueueReport, QueueReport } from '../../src/cli/queue/queue-report.ts';
import type { JobEvent } from '../../src/cli/queue/run-queue.ts';
import type { ConvertEvent } from '../../src/job/events.ts';
import { FakeTerminal } from '../support/fake-terminal.ts';

function jobsOf(line: string): QueueOptions['jobs'] {
  const request = parseOptions(line.split(' '), { cwd: '/home/me', root: '/repo' });
  if (request.action !== 'queue') throw new Error(`asked for ${request.action}`);
  return request.queue.jobs;
}

const jobs = jobsOf('-i tiny -i large-model -b 3 -b 4.5');
const state = (state: JobEvent['state'], cards = [0], reason?: string): JobEvent => ({
  type: 'job',
  state,
  cards,
  ...(reason !== undefined && { reason }),
});
const stage: ConvertEvent = { type: 'stage', stage: 'measure', state: 'started' };
const progress = (done: number): ConvertEvent => ({
  type: 'progress',
  stage: 'measure',
  done,
  total: 84_000_000,
  unit: 'weights',
  detail: 'model.layers.3.mlp',
});
const output: ConvertEvent = {
  type: 'output',
  directory: '/out/m',
  bytes: 5_242_880,
  bitsPerWeight: 4,
  headBits: 6,
  files: ['a'],
};

/** Two jobs side by side; one ends well and one does not. A second goes by between events. */
function shown(terminal: FakeTerminal): QueueReport {
  const report = new QueueReport(terminal, jobs);
  const events: [number, JobEvent | ConvertEvent][] = [
    [0, state('started')],
    [2, state('started', [1, 2])],
    [0, stage],
    [2, stage],
    [0, progress(0)],
    [0, progress(1_000_000)],
    [2, state('failed', [1, 2], 'Error: no space left\nFree some.')],
    [0, { type: 'warning', message: 'few rows' }],
    [0, output],
    [0, state('done')],
    [1, state('started')],
    [1, progress(42_000_000)],
  ];
  for (const [job, event] of events) {
    report.show(jobs[job]!, event);
    terminal.seconds += 1;
  }
  return report;
}

test('on a screen every job has a line that changes in place, and the table stays at the end', () => {
  const terminal = new FakeTerminal(80, { rows: 24 });
  const report = shown(terminal);
  const table = [
    'model          bpw  cards  state',
    'tiny           3.0  0      done in 9.0 s  5.00 MiB',
    'tiny           4.5  0      Measurement  50 %  model.layers.3.mlp',
    'large-model    3.0  1,2    failed: no space left',
    'large-model    4.5         waits',
  ];
  expect(terminal.screen()).toEqual(['Warning, tiny-3.0bpw: few rows', ...table, '']);
  report.show(jobs[1]!, state('stopped'));
  report.close();
  const stopped = table.with(2, 'tiny           4.5  0      stopped');
  expect(terminal.screen()).toEqual(['Warning, tiny-3.0bpw: few rows', ...stopped, '']);
});

test('on a low screen stand the jobs under way and a count of the others; lines are cut where it ends', () => {
  const terminal = new FakeTerminal(40, { rows: 5 });
  shown(terminal);
  expect(terminal.screen().slice(1)).toEqual([
    'model          bpw  cards  state',
    'tiny           4.5  0      Measurement…',
    '1 wait, 1 done, 1 failed',
    '',
  ]);
});

test('in a log file stands what changes, and progress every ten seconds', () => {
  const terminal = new FakeTerminal();
  shown(terminal);
  expect(terminal.text.split('\n')).toEqual([
    'tiny-3.0bpw: starts',
    'large-model-3.0bpw: starts',
    'tiny-3.0bpw: Measurement',
    'large-model-3.0bpw: Measurement',
    'tiny-3.0bpw: Measurement  0 %  model.layers.3.mlp',
    'large-model-3.0bpw: Measurement',
    'large-model-3.0bpw: failed: no space left',
    'Warning, tiny-3.0bpw: few rows',
    'tiny-3.0bpw: done in 9.0 s  5.00 MiB',
    'tiny-4.5bpw: starts',
    '',
  ]);
});

test('what others write below the table is not overwritten', () => {
  const terminal = new FakeTerminal(80, { rows: 24 });
  const report = new QueueReport(terminal, jobs);
  report.show(jobs[0]!, state('started'));
  terminal.write('Stopping …\n');
  report.leave();
  terminal.seconds = 1;
  report.show(jobs[0]!, state('stopped'));
  expect(terminal.screen().slice(4, 8)).toEqual([
    'large-model    4.5         waits',
    'Stopping …',
    'model          bpw  cards  state',
    'tiny           3.0  0      stopped',
  ]);
});

test('--json gives every event with the name of its job', () => {
  const lines: string[] = [];
  const show = jsonQueueReport((line) => lines.push(line));
  show(jobs[3]!, state('started', [1]));
  show(jobs[3]!, stage);
  expect(lines).toEqual([
    '{"job":"large-model-4.5bpw","type":"job","state":"started","cards":[1]}\n',
    '{"job":"large-model-4.5bpw","type":"stage","stage":"measure","state":"started"}\n',
  ]);
});
