import { expect, test } from 'vitest';
import { jsonReport, progressText, TerminalReport } from '../../src/cli/render.ts';
import { StatusLine, type Terminal } from '../../src/cli/terminal.ts';
import type { ConvertEvent, ProgressEvent } from '../../src/convert/events.ts';

class FakeTerminal implements Terminal {
  text = '';
  seconds = 0;
  readonly columns: number | undefined;
  readonly colors: boolean;
  constructor(columns?: number, colors = false) {
    this.columns = columns;
    this.colors = colors;
  }
  write(text: string): void {
    this.text += text;
  }
  now(): number {
    return this.seconds;
  }
}

const progress = (done: number, total = 84): ProgressEvent => ({
  type: 'progress',
  stage: 'measure',
  done,
  total,
  unit: 'trials',
  detail: 'model.layers.3.mlp',
});

const events: ConvertEvent[] = [
  { type: 'stage', stage: 'calibrate', state: 'reused' },
  { type: 'stage', stage: 'quantize', state: 'started' },
  { type: 'linear', key: 'model.layers.0.mlp.up_proj', bitsPerWeight: 4 },
  {
    type: 'module',
    stage: 'quantize',
    key: 'model.layers.0.self_attn',
    index: 0,
    count: 2,
    bitsPerWeight: 4.1234,
    rfnError: 0.0123456,
    seconds: 3.21,
    resumed: false,
  },
  {
    type: 'module',
    stage: 'quantize',
    key: 'model.layers.0.mlp',
    index: 1,
    count: 2,
    seconds: 0,
    resumed: true,
  },
  { type: 'stage', stage: 'quantize', state: 'done', seconds: 75 },
  { type: 'perplexity', model: 'original', value: 9, tokens: 512 },
  { type: 'perplexity', model: 'quantized', value: 9.45, tokens: 512 },
  { type: 'warning', message: 'few rows' },
  { type: 'memory', gpuBytes: 1, gpuPeakBytes: 2, gpuBudgetBytes: 3 },
  { type: 'output', directory: '/out/m', bytes: 5_242_880, bitsPerWeight: 4, headBits: 6, files: ['a'] },
];

function shown(terminal: FakeTerminal, list: ConvertEvent[]): string {
  const report = new TerminalReport(terminal);
  for (const event of list) report.show(event);
  return terminal.text;
}

test('a conversion in a log file', () => {
  expect(shown(new FakeTerminal(), events)).toBe(`Calibration data: taken from an earlier run
Quantization
module                                 bpw   rfn error      time
model.layers.0.self_attn             4.123    0.012346     3.2 s
model.layers.0.mlp                       –           –   earlier
Quantization: done in 1:15
Perplexity, original: 9.0000 (512 tokens)
Perplexity, quantized: 9.4500 (512 tokens, +5.00 %)
Warning: few rows
/out/m  5.00 MiB  4.000 bpw, head 6 bits
`);
});

test('the allocation is a table with what it comes to', () => {
  const text = shown(new FakeTerminal(), [
    {
      type: 'allocation',
      modules: [
        {
          key: 'model.layers.0.self_attn',
          candidate: 3,
          bitsPerWeight: 4.25,
          error: 0.01,
          description: '4b 32g',
        },
        { key: 'model.layers.0.mlp', candidate: 1, bitsPerWeight: 3.9, error: 0.02, description: '4/3b' },
      ],
      bitsPerWeight: 3.99,
      budgetBits: 1000,
      usedBits: 998,
      sumError: 0.03,
      maxError: 0.02,
      sumLogError: -8.5,
    },
  ]);
  expect(text).toContain('model.layers.0.self_attn             4.250    0.010000  4b 32g\n');
  expect(text).toContain(
    'Together 3.9900 bpw, 99.80 % of the budget; expected error: sum 0.0300, largest 0.0200\n',
  );
});

test('the plan lists candidates and needs', () => {
  const text = shown(new FakeTerminal(), [
    {
      type: 'plan',
      modules: [{ key: 'model.layers.0.mlp', weights: 8000, candidateBits: [16_000, 32_000] }],
      bitsPerWeight: 4,
      outputBytes: 2 ** 20,
      gpuBytes: 2 ** 21,
      memoryBytes: 2 ** 22,
      diskBytes: 2 ** 23,
    },
  ]);
  expect(text).toMatch(/model\.layers\.0\.mlp +8000 +1\.95 KiB +3\.91 KiB {2}2\.00 4\.00\n/);
  expect(text).toMatch(/4 bpw: 1\.00 MiB\nGPU memory: 2\.00 MiB\nMemory: 4\.00 MiB\nDisk: 8\.00 MiB\n$/);
});

test('only a screen gets colours', () => {
  expect(shown(new FakeTerminal(80, true), events)).toContain('\x1b[1mQuantization');
  // With colours off all that is left of control codes is the clearing of the progress line.
  expect(shown(new FakeTerminal(80), [progress(1), ...events]).replaceAll('\r\x1b[2K', '')).not.toContain(
    '\x1b',
  );
  expect(shown(new FakeTerminal(), [progress(1), ...events])).not.toContain('\x1b');
});

test('on a screen the progress line is rewritten in place, below the lines that stay', () => {
  const terminal = new FakeTerminal(30);
  const report = new TerminalReport(terminal);
  report.show(progress(1));
  expect(terminal.text).toBe(`\r\x1b[2K${'Measurement  1/84 trials  model.layers.3.mlp'.slice(0, 29)}`);
  terminal.text = '';
  report.show({ type: 'warning', message: 'w' });
  expect(terminal.text).toBe('\r\x1b[2KWarning: w\n');
  terminal.text = '';
  report.show(progress(2));
  report.close();
  expect(terminal.text.split('\r\x1b[2K').map((text) => text.slice(0, 11))).toEqual(['', 'Measurement', '']);
});

test('without a screen progress is a line at most every ten seconds', () => {
  const terminal = new FakeTerminal();
  const report = new TerminalReport(terminal);
  for (let second = 0; second <= 25; second++) {
    terminal.seconds = second;
    report.show(progress(second));
  }
  expect(terminal.text.split('\n')).toEqual([
    'Measurement  0/84 trials  model.layers.3.mlp',
    'Measurement  10/84 trials  1.00 trials/s  1:14 left  model.layers.3.mlp',
    'Measurement  20/84 trials  1.00 trials/s  1:04 left  model.layers.3.mlp',
    '',
  ]);
});

test('a screen is not redrawn more than ten times a second', () => {
  const terminal = new FakeTerminal(80);
  const line = new StatusLine(terminal);
  let calls = 0;
  for (let step = 0; step < 100; step++) {
    terminal.seconds = step / 100;
    line.update(() => String(++calls));
  }
  expect(calls).toBe(10);
});

test('slow work shows the time of one unit', () => {
  expect(progressText(progress(2), { rate: 0.25, secondsLeft: 328 })).toBe(
    'Measurement  2/84 trials  4.0 s each  5:28 left  model.layers.3.mlp',
  );
});

test('--json writes every event as one line of JSON', () => {
  const lines: string[] = [];
  const report = jsonReport((text) => lines.push(text));
  for (const event of events) report(event);
  expect(lines.every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1)).toBe(true);
  expect(lines.map((line) => JSON.parse(line))).toEqual(events);
});
