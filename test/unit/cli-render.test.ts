import { expect, test } from 'vitest';
import { jsonReport, TerminalReport } from '../../src/cli/render.ts';
import { progressText } from '../../src/cli/reports.ts';
import { shortParams } from '../../src/cli/short-params.ts';
import { StatusLine } from '../../src/cli/terminal.ts';
import type { ConvertEvent, ProgressEvent } from '../../src/job/events.ts';
import { FakeTerminal } from '../support/fake-terminal.ts';

const progress = (done: number, total = 84_000_000): ProgressEvent => ({
  type: 'progress',
  stage: 'measure',
  done,
  total,
  unit: 'weights',
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
  {
    type: 'memory',
    gpuBytes: 1,
    gpuPeakBytes: 2,
    gpuBudgetBytes: 3,
    states: { memoryBytes: 4, diskBytes: 5 },
  },
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
module                         bpw  rfn error      time
model.layers.0.self_attn     4.123   0.012346     3.2 s
model.layers.0.mlp               –          –   earlier
Quantization: done in 1:15
Perplexity, original: 9.0000 (512 tokens)
Perplexity, quantized: 9.4500 (512 tokens, +5.00 %)
Warning: few rows
Took 0.00 s, at most 2 B of GPU memory
/out/m  5.00 MiB  4.000 bpw, head 6 bits
`);
});

const start: ConvertEvent = {
  type: 'start',
  model: {
    name: '/models/tiny',
    architecture: 'LlamaForCausalLM',
    layers: 6,
    hiddenSize: 256,
    vocabSize: 4096,
    parameters: 7_084_800,
    dtypes: ['F16'],
    bytes: 14_171_000,
  },
  gpu: { name: 'NVIDIA H100', software: false, budgetBytes: 6 * 2 ** 30, precision: 'mixed' },
  bitsPerWeight: 4.125,
  headBits: 6,
};

test('what files have in them moves no cursor, on a screen and in a log', () => {
  const evil = 'x\x1b[2J\x9b1m\x07';
  const list: ConvertEvent[] = [
    { ...start, model: { ...start.model, name: `/models/${evil}`, architecture: evil } },
    { type: 'warning', message: `${evil}${'y'.repeat(10_000)}` },
    { ...progress(1), detail: evil },
    {
      ...{ type: 'output', directory: `/out/${evil}`, bytes: 1, bitsPerWeight: 4, headBits: 6, files: [] },
    },
  ];
  for (const columns of [undefined, 80]) {
    const text = shown(new FakeTerminal(columns), list);
    expect(text).toContain('x\\u001b[2J\\u009b1m\\u0007');
    for (const code of ['\x1b[2J', '\x9b', '\x07']) expect(text).not.toContain(code);
    expect(text.length).toBeLessThan(2500);
  }
});

test('at the start stands what is converted on what', () => {
  expect(shown(new FakeTerminal(), [start])).toBe(`Model   /models/tiny
        LlamaForCausalLM, 7.08 M parameters in F16, 13.5 MiB
        6 layers, hidden size 256, vocabulary 4096
GPU     NVIDIA H100, memory budget 6.00 GiB
Target  4.125 bpw, head 6 bits
`);
  const { gpu: _, ...dry } = start;
  expect(shown(new FakeTerminal(), [dry])).not.toContain('GPU');
  const software = { name: 'SwiftShader', software: true, budgetBytes: 2 ** 30, precision: 'f32' } as const;
  expect(shown(new FakeTerminal(), [{ ...start, gpu: software }])).toContain('in software');
});

test('a measured module shows its errors at the least, the target and the most bits', () => {
  const trial = (
    candidate: number,
    bitsPerWeight: number,
    accuracy: number,
    module = 'model.layers.0.mlp',
  ): ConvertEvent => ({
    type: 'trial',
    module,
    description: '',
    predicted: false,
    candidate,
    error: 1 - accuracy,
    bitsPerWeight,
  });
  const module = { type: 'module', stage: 'measure', index: 0, count: 2, resumed: false } as const;
  const text = shown(new FakeTerminal(), [
    start,
    trial(0, 8.03, 0.9995),
    trial(1, 2.2, 0.75),
    // Of the first rows, then of all.
    trial(2, 4.2, 0.99),
    trial(2, 4.2, 0.97),
    trial(3, 3.9, 0.96),
    // Another worker's.
    trial(0, 2, 0.8, 'model.layers.1.mlp'),
    { ...module, key: 'model.layers.0.mlp', seconds: 12.34 },
    { ...module, key: 'model.layers.1.mlp', seconds: 1 },
    { ...module, key: 'model.layers.2.mlp', seconds: 1 },
  ]);
  expect(text.split('\n').slice(5)).toEqual([
    'module                      error at min  at 4.125 bpw    at max      time',
    'model.layers.0.mlp              0.250000      0.030000  0.000500    12.3 s',
    'model.layers.1.mlp              0.200000      0.200000  0.200000     1.0 s',
    'model.layers.2.mlp                     –             –         –     1.0 s',
    '',
  ]);
});

const allocation: ConvertEvent = {
  type: 'allocation',
  modules: [
    {
      key: 'model.layers.0.self_attn',
      candidate: 3,
      totalBits: 500,
      bitsPerWeight: 4.25,
      error: 0.01,
      description: 'q_proj 0.1:5b_64g/0.9:4b_64g s4, k_proj 0.1:5b_64g/0.9:4b_64g s4, v_proj 1:5b_64g s4',
    },
    {
      key: 'model.layers.0.mlp',
      candidate: 1,
      totalBits: 498,
      bitsPerWeight: 3.9,
      error: 0.02,
      description: 'down_proj 0.05:8b_32g/0.95:4b_128g s4',
    },
  ],
  bitsPerWeight: 3.99,
  budgetBits: 1000,
  usedBits: 998,
  sumError: 0.03,
  maxError: 0.02,
  sumLogError: -8.5,
};

test('the allocation is a table with what it comes to', () => {
  const text = shown(new FakeTerminal(), [allocation]);
  expect(text).toContain('model.layers.0.self_attn     4.250   0.010000  q k 5/4b 64g, v 5b 64g\n');
  expect(text).toContain('model.layers.0.mlp           3.900   0.020000  down 8/4b 32/128g\n');
  expect(text).toContain('Together 3.9900 bpw, 99.80 % of the budget; largest error 0.0200\n');
});

test('rows are cut where the screen ends', () => {
  const lines = shown(new FakeTerminal(59), [start, allocation]).split('\n');
  expect(Math.max(...lines.slice(0, -2).map((line) => line.length))).toBeLessThanOrEqual(59);
  expect(lines).toContain('model.layers.0.self_attn     4.250   0.010000  q k 5/4b 64…');
});

test('linears with the same bits and groups stand together', () => {
  expect(shortParams('gate_proj 1:4b_128g s4, up_proj 1:4b_32g s4, down_proj 1:4b_128g s4')).toBe(
    'gate down 4b 128g, up 4b 32g',
  );
});

test('the plan lists modules, candidates and needs', () => {
  const attention = { weights: 4000, candidateBits: [9000, 16_000, 32_000] };
  const text = shown(new FakeTerminal(), [
    {
      type: 'plan',
      modules: [
        { key: 'model.layers.0.self_attn', ...attention },
        { key: 'model.layers.0.mlp', weights: 8000, candidateBits: [16_000, 32_000] },
        { key: 'model.layers.1.self_attn', ...attention },
        { key: 'lm_head', weights: 1000, candidateBits: [6000] },
      ],
      bitsPerWeight: 4,
      possibleBitsPerWeight: { least: 2.2, most: 8 },
      outputBytes: 2 ** 20,
      outputParts: { modules: 1000, head: 2000, stored: 3000, copied: 4000 },
      calibration: { measurement: { rows: 4, length: 128 }, quantization: { rows: 8, length: 256 } },
      gpuBytes: 2 ** 21,
      gpuBufferBytes: 2 ** 19,
      memoryBytes: 2 ** 22,
      states: { gpuBytes: 2 ** 20, memoryBytes: 2 ** 21, diskBytes: 2 ** 22, diskSeconds: 90 },
      diskBytes: 2 ** 23,
    },
  ]);
  const lines = text.split('\n').map((line) => line.replace(/ {2,}/g, '  '));
  expect(lines).toContain('model.layers.0.mlp  8000  1.95 KiB – 3.91 KiB  2.00 – 4.00');
  expect(lines).toContain('lm_head  1000  750 B  6.00');
  // Modules of the same sizes share a column.
  expect(lines).toContain('candidate  model.layers.0.self_attn  model.layers.0.mlp');
  expect(lines).toContain('  1  1.95 KiB  4.00 bpw  3.91 KiB  4.00 bpw');
  expect(lines).toContain('  2  3.91 KiB  8.00 bpw');
  expect(text).toContain('Possible    2.20 to 8.00 bpw');
  expect(text).toContain('at most 1.00 MiB at 4 bpw:\n            modules 0.977 KiB, head 1.95 KiB');
  expect(text).toContain('4 × 128 tokens to measure, 8 × 256 to quantize');
  expect(text).toMatch(/GPU memory {2}at least 2\.00 MiB:.*\n.*buffers of up to 512 KiB/);
  expect(text).toMatch(
    /Memory {6}4\.00 MiB.*\nStates {6}1\.00 MiB on the GPU, 2\.00 MiB in main memory, 4\.00 MiB on disk\n.* at most 1:30, at 1 GB\/s\nDisk {8}8\.00 MiB/,
  );
});

test('only a screen gets colours', () => {
  expect(shown(new FakeTerminal(80, { colors: true }), events)).toContain('\x1b[1mQuantization');
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
  expect(terminal.text).toBe(`\r\x1b[2K${'Measurement  0 %  model.layers.3.mlp'.slice(0, 29)}`);
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
    report.show(progress(second * 1e6));
  }
  expect(terminal.text.split('\n')).toEqual([
    'Measurement  0 %  model.layers.3.mlp',
    'Measurement  11 %  1.00 M weights/s  1:14 left  model.layers.3.mlp',
    'Measurement  23 %  1.00 M weights/s  1:04 left  model.layers.3.mlp',
    '',
  ]);
});

const workers = (second: string, ...busy: number[]): ConvertEvent => ({
  type: 'workers',
  workers: busy.map((share, i) => ({
    ...{ id: i + 1, adapter: 'NVIDIA H200', busy: share, memoryBytes: 2 ** 30 * (i + 1), speed: 1e13 },
    doing: i === 1 ? second : 'measures model.layers.0.mlp',
  })),
});
/** What clears the three lines before. */
const CLEARED = '\r\x1b[2K\x1b[2A\x1b[J';

test('on a screen a line for each worker stands below the progress line', () => {
  const terminal = new FakeTerminal(100);
  const report = new TerminalReport(terminal);
  report.show(workers('waits', 0.9, 0.5));
  expect(terminal.text).toBe('');
  report.show(progress(1));
  const first = ' 1   busy 90 %   1.00 GiB  measures layers.0.mlp                           NVIDIA H200';
  expect(terminal.text).toBe(
    `\r\x1b[2KMeasurement  0 %  model.layers.3.mlp\n${first}\n` +
      ' 2   busy 50 %   2.00 GiB  waits                                           NVIDIA H200',
  );
  terminal.text = '';
  terminal.seconds = 1;
  report.show(workers('lost', 0.9, 0.4));
  expect(terminal.text).toBe(
    `${CLEARED}Measurement  0 %  model.layers.3.mlp\n${first}\n` +
      ' 2   busy 40 %   2.00 GiB  lost                                            NVIDIA H200',
  );
  terminal.text = '';
  report.show({ type: 'warning', message: 'w' });
  expect(terminal.text).toBe(`${CLEARED}Warning: w\n`);
  report.show({ type: 'stage', stage: 'measure', state: 'done' });
  // Nothing is under way, or one worker does it all.
  terminal.text = '';
  report.show(workers('waits', 0.9, 0.4));
  report.show({ ...progress(1), stage: 'compile' });
  expect(terminal.text).toBe('\r\x1b[2KOutput  0 %  model.layers.3.mlp');
});

test('on a small screen they are cut, to its width and to its height', () => {
  const terminal = new FakeTerminal(27, { rows: 2 });
  const report = new TerminalReport(terminal);
  report.show(workers('waits', 0.9, 0.5));
  report.show(progress(1));
  expect(terminal.text).toBe('\r\x1b[2KMeasurement  0 %  model.la\n 1   busy 90 %   1.00 GiB ');
});

test('in a log the end of a stage tells how busy each was', () => {
  const stage = { type: 'stage', stage: 'measure' } as const;
  const list: ConvertEvent[] = [
    { ...stage, state: 'started' },
    workers('lost', 0.9, 0.5, 0.876),
    { ...stage, state: 'done', seconds: 1 },
  ];
  expect(shown(new FakeTerminal(), list)).toBe(
    'Measurement\nMeasurement: done in 1.0 s\nWorkers busy since the start: 1: 90 %, 2: lost, 3: 88 %\n',
  );
  expect(shown(new FakeTerminal(), list.with(1, workers('', 0.9)))).not.toContain('busy');
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

test('rates are in millions of weights or in bytes', () => {
  expect(progressText(progress(2e6), { rate: 25_000, secondsLeft: 328 })).toBe(
    'Measurement  2 %  0.0250 M weights/s  5:28 left  model.layers.3.mlp',
  );
  const compile: ProgressEvent = { ...progress(50, 100), stage: 'compile', unit: 'bytes' };
  expect(progressText(compile, { rate: 2 ** 25, secondsLeft: 5 })).toBe(
    'Output  50 %  32.0 MiB/s  5.0 s left  model.layers.3.mlp',
  );
});

test('--json writes every event as one line of JSON', () => {
  const lines: string[] = [];
  const report = jsonReport((text) => lines.push(text));
  for (const event of events) report(event);
  expect(lines.every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1)).toBe(true);
  expect(lines.map((line) => JSON.parse(line))).toEqual(events);
});
