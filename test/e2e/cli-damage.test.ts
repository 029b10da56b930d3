import type { ChildProcess } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConvertEvent } from '../../src/job/events.ts';
import {
  assembleModel,
  buildCli,
  type CliResult,
  contents,
  FEW_ROWS,
  runCli,
  stagesOf,
  temporaryDirectory,
} from '../support/cli.ts';

const temporary = temporaryDirectory('damage');
const at = (path: string) => join(temporary.path, path);
const args = (name: string, ...options: string[]) => [
  ...['-i', at('model'), '-o', at(`${name}.work`), '-cf', at(name), ...FEW_ROWS, ...options],
];

/** A conversion to its end, for others to be compared with. */
let whole: CliResult;

beforeAll(async () => {
  buildCli();
  assembleModel('llama_tied_bias', at('model'));
  // One layer is enough; the tensors of the other are left alone, with a warning.
  const config = JSON.parse(readFileSync(at('model/config.json'), 'utf8')) as object;
  writeFileSync(at('model/config.json'), JSON.stringify({ ...config, num_hidden_layers: 1 }));
  whole = await runCli(args('whole'));
  expect(whole.code, whole.stderr).toBe(0);
});
afterAll(temporary.remove);

const warnings = ({ events }: CliResult) =>
  events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));

/** The same job, finished, in places of its own. */
function copyOf(name: string): void {
  cpSync(at('whole.work'), at(`${name}.work`), { recursive: true });
}

function flipBit(path: string): void {
  const bytes = readFileSync(at(path));
  bytes[bytes.length >> 1]! ^= 4;
  writeFileSync(at(path), bytes);
}

test('a damaged description of a job is made again, as long as the options are the same', async () => {
  copyOf('described');
  flipBit('described.work/job.json');
  const other = await runCli(args('described', '-b', '5'));
  expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('--no_resume to drop the old one')]);
  const again = await runCli(args('described'));
  expect(again.code, again.stderr).toBe(0);
  expect(stagesOf(again)).toContain('measure reused');
  expect(stagesOf(again)).toContain('quantize reused');
  expect(warnings(again)).toContainEqual(
    expect.stringMatching(/^job\.json in the work directory .* is damaged/),
  );
  expect(contents(at('described'))).toEqual(contents(at('whole')));

  flipBit('described.work/job.json');
  const fresh = await runCli(args('described', '-b', '5', '--no_resume'));
  expect(fresh.code, fresh.stderr).toBe(0);
  expect(stagesOf(fresh)).toContain('measure done');
});

test('a flipped bit in a layer is found when the finished job is run again, and its output stays right', async () => {
  copyOf('layer');
  cpSync(at('whole'), at('layer'), { recursive: true });
  flipBit('layer.work/tensors/model.layers.0.mlp.safetensors');
  const again = await runCli(args('layer'));
  expect(again.code, again.stderr).toBe(0);
  expect(warnings(again)).toContainEqual(
    expect.stringMatching(/^tensors\/model\.layers\.0\.mlp\.safetensors in .* is damaged/),
  );
  expect(contents(at('layer'))).toEqual(contents(at('whole')));
});

test('a measurement that was damaged in its work directory is not taken by another job', async () => {
  copyOf('measured');
  flipBit('measured.work/measurement.json');
  const given = ['-m', at('measured.work/measurement.json'), '-b', '5'];
  const { code, stderr } = await runCli(args('given', ...given));
  expect([code, stderr]).toEqual([1, expect.stringContaining('Run that job again to make it anew')]);
  expect((await runCli(args('measured'))).code).toBe(0);
  expect((await runCli(args('given', ...given))).code).toBe(0);
});

test('a link to a folder elsewhere is not followed into the output', async () => {
  cpSync(at('model'), at('linked'), { recursive: true });
  mkdirSync(at('secrets'));
  writeFileSync(at('secrets/passwords'), 'mine');
  symlinkSync(at('secrets'), at('linked/docs'));
  const places = ['-o', at('links.work'), '-cf', at('links'), ...FEW_ROWS];
  const run = await runCli(['-i', at('linked'), ...places]);
  expect(run.code, run.stderr).toBe(0);
  expect(warnings(run)).toContainEqual(expect.stringMatching(/lead out of it are passed over \(1: "docs"\)/));
  expect(Object.keys(contents(at('links')))).toEqual(Object.keys(contents(at('whole'))));
});

const isCalibrating = (event: ConvertEvent) =>
  event.type === 'stage' && event.stage === 'calibrate' && event.state === 'started';

test('Ctrl-C ends a tokenizer that would never end', async () => {
  cpSync(at('model'), at('hanging'), { recursive: true });
  const tokenizer = JSON.parse(readFileSync(at('model/tokenizer.json'), 'utf8')) as object;
  const pattern = { Regex: '(\\w+\\s?)+$' };
  const pre_tokenizer = { type: 'Split', pattern, behavior: 'Isolated', invert: false };
  writeFileSync(at('hanging/tokenizer.json'), JSON.stringify({ ...tokenizer, pre_tokenizer }));
  const places = ['-o', at('hangs.work'), '-cf', at('hangs'), ...FEW_ROWS];
  let pressing: NodeJS.Timeout | undefined;
  const run = await runCli(['-i', at('hanging'), ...places], (event, process) => {
    // Before the tokenizer has begun the first one only says that it shall not.
    if (isCalibrating(event)) pressing = setInterval(() => process.kill('SIGINT'), 1000);
  });
  clearInterval(pressing);
  expect(run.code).toBe(130);
});

test('memory that killed processes have left is taken back by the next start', async () => {
  let pid = 0;
  const kill = (event: ConvertEvent, leader: ChildProcess) => {
    if (event.type !== 'trial' || leader.killed) return;
    pid = leader.pid!;
    // All at once, as when the terminal closes or memory runs out.
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    for (const child of children) process.kill(Number(child), 'SIGKILL');
    leader.kill('SIGKILL');
  };
  const killed = await runCli(args('group', '--workers', '2'), kill);
  expect(killed.code).toBeUndefined();
  const left = readdirSync('/dev/shm').filter((name) => name.includes(`-${pid}-`));
  expect(left).toHaveLength(1);
  const next = await runCli(args('group'));
  expect(next.code, next.stderr).toBe(0);
  expect(existsSync(join('/dev/shm', left[0]!))).toBe(false);
  expect(contents(at('group'))).toEqual(contents(at('whole')));
});
