import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { WorkerPlaces } from '../../src/cli/worker-processes.ts';
import type { ConvertEvent } from '../../src/job/events.ts';
import {
  assembleModel,
  buildCli,
  type CliResult,
  contents,
  FEW_ROWS,
  runCli,
  temporaryDirectory,
} from '../support/cli.ts';
import { eventually } from '../support/patience.ts';

const temporary = temporaryDirectory('workers');
const at = (path: string) => join(temporary.path, path);

beforeAll(() => {
  buildCli();
  assembleModel('llama_tied_bias', at('model'));
  // One layer is enough; the tensors of the other are left alone, with a warning.
  const config = JSON.parse(readFileSync(at('model/config.json'), 'utf8')) as object;
  writeFileSync(at('model/config.json'), JSON.stringify({ ...config, num_hidden_layers: 1 }));
  mkdirSync(at('tmp'));
  vi.stubEnv('TMPDIR', at('tmp'));
});
afterAll(() => {
  vi.unstubAllEnvs();
  temporary.remove();
});

interface WorkerProcess {
  readonly pid: number;
  readonly places: WorkerPlaces;
}

/** The processes that help the conversion `name`, as Linux lists them. */
function workersOf(name: string): WorkerProcess[] {
  const commands = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((pid) => ({ pid: Number(pid), args: commandOf(pid) }));
  return commands
    .filter(({ args }) => args[1]?.endsWith('dist/cli/worker.js'))
    .map(({ pid, args }) => ({ pid, places: JSON.parse(args[2]!) as WorkerPlaces }))
    .filter(({ places }) => places.workDir === at(`${name}.work`));
}

function commandOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // it has ended
  }
}

type OnEvent = NonNullable<Parameters<typeof runCli>[1]>;

const convert = (name: string, workers: number, onEvent?: OnEvent): Promise<CliResult> =>
  runCli(
    [
      ...['-i', at('model'), '-b', '4', '-o', at(`${name}.work`), '-cf', at(name), ...FEW_ROWS],
      ...['--gpus', '0', '--workers', String(workers)],
    ],
    onEvent,
  );

const warnings = ({ events }: CliResult) =>
  events.flatMap((event) =>
    event.type === 'warning' && / worker |^worker /.test(event.message) ? [event.message] : [],
  );

/** Kills the first worker but the leader at the first event that is the moment. @returns what to give to {@link convert}. */
function killWorker(
  name: string,
  isMoment: (event: ConvertEvent) => boolean,
  killed: WorkerProcess[],
): OnEvent {
  return (event) => {
    if (killed.length > 0 || !isMoment(event)) return;
    killed.push(...workersOf(name));
    process.kill(killed[0]!.pid, 'SIGKILL');
  };
}

/** The leader is in the middle of its first module, and the others of theirs. */
const isMeasuring = (event: ConvertEvent) => event.type === 'trial';
/** One module is finished, others are not. */
const isQuantizing = (event: ConvertEvent) => event.type === 'module' && event.stage === 'quantize';

/** What one worker makes. */
let alone: Record<string, string>;
beforeAll(async () => {
  const run = await convert('1 workers', 1);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(warnings(run)).toEqual([]);
  alone = contents(at('1 workers'));
});

test('with 1, 2 and 4 workers all files are the same to the byte', async () => {
  const seen: WorkerProcess[] = [];
  for (const workers of [2, 4]) {
    const name = `${workers} workers`;
    const run = await convert(name, workers, (event) => {
      if (event.type === 'allocation') seen.push(...workersOf(name));
    });
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(warnings(run)).toEqual([]);
  }
  expect(seen).toHaveLength(1 + 3);
  expect(seen.filter(({ places }) => existsSync(places.dataFolder))).toEqual([]);
  expect(Object.keys(alone)).toContain('output.safetensors');
  for (const workers of [2, 4]) expect(contents(at(`${workers} workers`))).toEqual(alone);
});

test.each([
  ['measurement', isMeasuring],
  ['quantization', isQuantizing],
] as const)('a worker that is killed in the middle of the %s is done without', async (name, isMoment) => {
  const killed: WorkerProcess[] = [];
  const run = await convert(name, 2, killWorker(name, isMoment, killed));
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(warnings(run)).toEqual([
    expect.stringMatching(
      /^worker 2 \(card 0\) \(.+\) is lost: its process has ended \(SIGKILL\)\. The other workers do its work\.$/,
    ),
  ]);
  expect(contents(at(name))).toEqual(alone);
  expect(existsSync(killed[0]!.places.dataFolder)).toBe(false);
});

test('when the leader is killed the other workers end too, and leave nothing', async () => {
  const name = 'leader';
  const seen: WorkerProcess[] = [];
  const run = await convert(name, 3, (event, leader) => {
    if (!isMeasuring(event) || seen.length > 0) return;
    seen.push(...workersOf(name));
    leader.kill('SIGKILL');
  });
  expect(run).toMatchObject({ code: undefined, stderr: '' });
  expect(seen).toHaveLength(2);
  await eventually(() => expect(workersOf(name)).toEqual([]));
  await eventually(() => expect(existsSync(seen[0]!.places.dataFolder)).toBe(false));
});

test('nothing is left among the temporary files', () => {
  expect(readdirSync(at('tmp'))).toEqual([]);
});
