import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PlanEvent } from '../../src/job/events.ts';
import {
  assembleModel,
  buildCli,
  type CliResult,
  contents,
  runCli,
  temporaryDirectory,
} from '../support/cli.ts';

const temporary = temporaryDirectory('cli-memory');
const at = (path: string) => join(temporary.path, path);

beforeAll(() => {
  buildCli();
  assembleModel('llama_tied_bias', at('model'));
  // One layer is enough; the tensors of the other are left alone, with a warning.
  const config = JSON.parse(readFileSync(at('model/config.json'), 'utf8')) as object;
  writeFileSync(at('model/config.json'), JSON.stringify({ ...config, num_hidden_layers: 1 }));
});
afterAll(() => temporary.remove());

const MODEL = () => ['-i', at('model'), '-c', 'test/fixtures/calibration/cal_small.parquet'];
const ONE_ROW = ['-r', '1', '-l', '96', '-mr', '1', '-ml', '96'];
const THREE_ROWS = ['-r', '3', '-l', '32', '-mr', '3', '-ml', '32'];

/** Converts with a GPU memory budget; without one with the default, in which everything fits. */
function convert(name: string, rows: readonly string[], budget?: number): Promise<CliResult> {
  const options = budget === undefined ? [] : ['--gpu-memory-budget', String(budget)];
  return runCli([...MODEL(), ...rows, '-o', at(`${name}.work`), '-cf', at(name), ...options]);
}

async function plan(rows: readonly string[]): Promise<PlanEvent> {
  const { events } = await runCli([...MODEL(), ...rows, '--dry-run']);
  return events.find((event) => event.type === 'plan')!;
}

const peak = ({ events }: CliResult): number =>
  Math.max(...events.map((event) => (event.type === 'memory' ? event.gpuPeakBytes : 0)));

test('with the least memory the result is the same to the byte, when rows run one by one anyway', async () => {
  const { gpuBytes } = await plan(ONE_ROW);
  const large = await convert('large', ONE_ROW);
  const small = await convert('small', ONE_ROW, gpuBytes);
  expect([large.code, small.code]).toEqual([0, 0]);
  expect(peak(large)).toBeGreaterThan(3 * gpuBytes);
  expect(peak(small)).toBeLessThanOrEqual(gpuBytes);
  const model = (folder: string) => {
    // The result is only judged where there is memory for that too.
    const { 'README.md': _, 'report.html': __, ...files } = contents(at(folder));
    return files;
  };
  expect(model('small')).toEqual(model('large'));
  expect(Object.keys(model('small'))).toContain('output.safetensors');
});

/** Of each candidate of each module, over all rows: the last that was reported. */
const errors = ({ events }: CliResult): Map<string, number> =>
  new Map(
    events.flatMap((event) =>
      event.type === 'trial' ? [[`${event.module}, candidate ${event.candidate}`, event.error]] : [],
    ),
  );

// A Hessian is a sum over batches of f32 sums: with smaller batches its last bits differ, and codes that lie next to
// the border between two values can fall on the other side.
test('smaller batches of rows change the errors by less than 1 %', async () => {
  const { gpuBytes } = await plan(THREE_ROWS);
  const large = await convert('large3', THREE_ROWS);
  const small = await convert('small3', THREE_ROWS, gpuBytes);
  expect([large.code, small.code]).toEqual([0, 0]);
  const [expected, actual] = [errors(large), errors(small)];
  expect([...actual.keys()]).toEqual([...expected.keys()]);
  for (const [trial, error] of actual)
    expect(Math.abs(error / expected.get(trial)! - 1), trial).toBeLessThan(0.01);
});

test('too little memory ends with what is missing and what to do', async () => {
  const { gpuBytes } = await plan(ONE_ROW);
  const run = await convert('none', ONE_ROW, Math.floor(gpuBytes * 0.7));
  expect(run.code).toBe(2);
  expect(run.stderr).toMatch(
    /^Error: .* needs \d+ bytes; \d+ of the budget of \d+ bytes of GPU memory are in use/,
  );
  expect(run.stderr).toMatch(/does not fit even with one row at a time: .*--gpu-memory-budget; --dry-run/);
  expect(run.stderr.trim().split('\n')).toHaveLength(1);
});

test('what is planned is what comes out', async () => {
  const planned = await plan(ONE_ROW);
  const { events } = await convert('large', ONE_ROW);
  const output = events.at(-1)!;
  expect(output.type).toBe('output');
  if (output.type !== 'output') return;
  expect(output.bytes).toBeLessThanOrEqual(planned.outputBytes);
  expect(output.bytes).toBeGreaterThan(planned.outputBytes * 0.95);
  const work = Object.values(contents(at('large.work'))).reduce((sum, hex) => sum + hex.length / 2, 0);
  expect(work + output.bytes).toBeLessThan(planned.diskBytes);
  expect(readFileSync(at('large/output.safetensors')).length).toBeLessThan(output.bytes);
});
