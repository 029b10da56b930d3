import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { JobEvent } from '../../src/cli/queue/run-queue.ts';
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

const temporary = temporaryDirectory('queue');
const at = (path: string) => join(temporary.path, path);
const models = ['llama_tied_bias', 'qwen3'];
const names = models.flatMap((model) => [`${model}-3.0bpw`, `${model}-4.0bpw`]);

beforeAll(() => {
  buildCli();
  for (const model of models) assembleModel(model, at(model));
});
afterAll(() => temporary.remove());

type Told = { readonly job: string } & (ConvertEvent | JobEvent);

const args = [
  ...[...models.flatMap((model) => ['-i', at(model)]), '-b', '3', '-b', '4', '-cf', at('out')],
  ...[...FEW_ROWS, '--gpus', '0', '--jobs', '2'],
];
const told = ({ events }: Pick<CliResult, 'events'>) => events as unknown as readonly Told[];
const ended = (result: CliResult) =>
  told(result)
    .flatMap((event) =>
      event.type === 'job' && event.state !== 'started' ? [`${event.job} ${event.state}`] : [],
    )
    .sort();
const measured = (result: CliResult, state: string) =>
  told(result).flatMap((event) =>
    event.type === 'stage' && event.stage === 'measure' && event.state === state ? [event.job] : [],
  );

test('two models at two bitrates come out of one command, which goes on where it was stopped', async () => {
  let isStopped = false;
  const first = await runCli(args, (event, process) => {
    const { job, ...inner } = event as unknown as Told;
    if (isStopped || job !== names[0] || inner.type !== 'stage' || inner.stage !== 'quantize') return;
    isStopped = true;
    process.kill('SIGINT');
  });
  expect(first.code).toBe(130);
  expect(first.stderr).toMatch(/Interrupted\. Run the same command again/);
  expect(ended(first)).toContain(`${names[0]} stopped`);

  const second = await runCli(args);
  expect(second).toMatchObject({ code: 0, stderr: '' });
  expect(ended(second)).toEqual(names.map((name) => `${name} done`));
  expect(measured(second, 'reused')).toEqual(expect.arrayContaining([names[0], names[1], names[3]]));
  const outputs = readdirSync(at('out')).filter((name) => !name.startsWith('.'));
  expect(outputs.sort()).toEqual(names);
  for (const [index, name] of names.entries()) {
    const config = JSON.parse(readFileSync(at(`out/${name}/config.json`), 'utf8')) as object;
    expect(config).toMatchObject({ quantization_config: { bits: index % 2 === 0 ? 3 : 4 } });
  }

  // The same as a command for this job alone makes.
  const alone = [...args.slice(2, 4), '-b', '3', '-cf', at('alone'), '-o', at('alone.work'), ...FEW_ROWS];
  const measurement = ['-m', at(`out/.${names[2]}.work/measurement.json`)];
  expect((await runCli([...alone, ...measurement])).code).toBe(0);
  expect(contents(at('alone'))).toEqual(contents(at(`out/${names[2]}`)));
});
