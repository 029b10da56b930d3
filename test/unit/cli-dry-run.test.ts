import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runDryRun } from '../../src/cli/dry-run.ts';
import { parseOptions } from '../../src/cli/parse-options.ts';
import { lockWork } from '../../src/cli/work-lock.ts';
import { nodeDirectory } from '../../src/io/platform/node/node-directory.ts';
import { planShard, writeSafetensors } from '../../src/io/safetensors/writer.ts';
import { workDirectory } from '../../src/io/work/work-directory.ts';
import type { ConvertEvent } from '../../src/job/events.ts';
import { InputError } from '../../src/util/errors.ts';
import { assembleModel } from '../support/cli.ts';
import { readSafetensors } from '../support/safetensors.ts';

const MEASUREMENTS = 'test/fixtures/golden/conversion/architectures';

let root: string;
const at = (path: string) => join(root, path);
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dry-run-'));
  assembleModel('llama_tied_bias', at('model'));
  writeFileSync(at('text.txt'), 'Once upon a time there was a little dog. '.repeat(200));
});
afterEach(() => rmSync(root, { recursive: true }));

/** What a dry run of the model on a few rows of own text tells. */
async function dryRun(...args: string[]): Promise<ConvertEvent[]> {
  const rows = ['-c', at('text.txt'), '-r', '12', '-l', '64', '-mr', '2', '-ml', '32'];
  const places = ['-i', at('model'), '-o', at('new/work'), '-cf', at('new/out')];
  const request = parseOptions([...places, ...rows, '--dry-run', ...args], { cwd: root, root });
  if (request.action !== 'convert') throw new Error(`asked for ${request.action}`);
  const events: ConvertEvent[] = [];
  await runDryRun(request.options, (event) => void events.push(event), new AbortController().signal);
  return events;
}
const warnings = (events: readonly ConvertEvent[]) =>
  events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));

const edit = (path: string, change: (json: Record<string, unknown>) => void): void => {
  const json = JSON.parse(readFileSync(at(path), 'utf8')) as Record<string, unknown>;
  change(json);
  writeFileSync(at(path), JSON.stringify(json));
};
const measurementOf = (name: string): string => {
  writeFileSync(at(`${name}.json`), gunzipSync(readFileSync(`${MEASUREMENTS}/${name}/measurement.json.gz`)));
  return at(`${name}.json`);
};

test('plans, warns of nothing and leaves nothing', async () => {
  const before = readdirSync(root);
  const events = await dryRun();
  expect(events.map(({ type }) => type)).toEqual(['start', 'plan']);
  expect(events.at(-1)).toMatchObject({
    weightsChecked: true,
    calibration: { measurement: { rows: 2, length: 32 }, quantization: { rows: 12, length: 64 } },
  });
  expect(readdirSync(root)).toEqual(before);
});

test('warns of what the conversion would warn of', async () => {
  edit('model/config.json', (config) => {
    config['num_hidden_layers'] = 1;
  });
  writeFileSync(at('chats.jsonl'), `${JSON.stringify({ text: null })}\n`);
  appendFileSync(at('chats.jsonl'), JSON.stringify({ text: readFileSync(at('text.txt'), 'utf8') }));
  expect(warnings(await dryRun('-c', at('chats.jsonl'), '--gpu-memory-budget', '1MiB'))).toEqual([
    expect.stringMatching(
      /^LlamaForCausalLM has no use for \d+ of the tensors; they will not be in the output: /,
    ),
    `chats.jsonl: 1 row without text was passed over (line 1 has the fields text).`,
    expect.stringMatching(/^About .* of GPU memory are needed and 1\.00 MiB allowed/),
  ]);
});

test('warns of a measurement without what the refined quantizer goes by', async () => {
  const advice = /^This measurement has only errors of whole rows of tokens .*: .* measuring again/;
  const given = ['-m', measurementOf('llama_tied_bias'), '-b', '5'];
  expect(warnings(await dryRun(...given))).toEqual([expect.stringMatching(advice)]);
  expect(warnings(await dryRun(...given, '--quantizer', 'exllamav2'))).toEqual([]);
});

test('warns of tokens that are too few for the widest linear, where it is quantized', async () => {
  const few = [/^3 rows of 64 tokens to quantize with are fewer than 4 tokens for each of the 192 inputs/];
  expect(warnings(await dryRun('-r', '3'))).toEqual(few.map((text) => expect.stringMatching(text)));
  expect(warnings(await dryRun('-r', '3', '-om', at('new.json')))).toEqual([]);
});

test('warns of links that are not followed, and of a damaged description of the job', async () => {
  writeFileSync(at('secret.txt'), 'mine');
  symlinkSync(at('secret.txt'), at('model/notes.txt'));
  const work = workDirectory(nodeDirectory(at('new/work')));
  await work.writeJson('job.json', {});
  writeFileSync(at('new/work/job.json'), '{"bits"');
  expect(warnings(await dryRun())).toEqual([
    expect.stringMatching(/^Links in .*model that lead out of it are passed over \(1: "notes\.txt"\)/),
    expect.stringMatching(/^job\.json in the work directory .* is damaged/),
  ]);
});

test('makes names of tensors plain, however long, and whatever is in them', async () => {
  const model = await readSafetensors(at('model/model.safetensors'));
  const name = `\x1b[2Jevil\n${'x'.repeat(10_000)}`;
  const tensor = { name, dtype: 'F16', shape: [1], data: new Uint8Array(2) } as const;
  const tensors = new Map([...model, [name, tensor] as const]);
  await writeSafetensors(
    nodeDirectory(at('model')),
    planShard('model.safetensors', [...tensors.values()]),
    (wanted) => tensors.get(wanted)!,
  );
  const [warning] = warnings(await dryRun());
  expect(warning).toContain('\\u001b[2Jevil');
  expect(warning!.length).toBeLessThan(2000);
});

/** Puts NaN into the first half of the final norm. */
async function spoilNorm(): Promise<void> {
  const tensors = await readSafetensors(at('model/model.safetensors'));
  const norm = tensors.get('model.norm.weight')!;
  const data = Uint8Array.from(norm.data);
  data.fill(0xff, 0, norm.dtype === 'F32' ? 4 : 2);
  tensors.set('model.norm.weight', { ...norm, data });
  await writeSafetensors(
    nodeDirectory(at('model')),
    planShard('model.safetensors', [...tensors.values()]),
    (wanted) => tensors.get(wanted)!,
  );
}

test.each<[string, () => unknown, RegExp]>([
  ['a tokenizer that is missing', () => rmSync(at('model/tokenizer.json')), /has no tokenizer\.json/],
  [
    'a tokenizer that cannot be used',
    () => edit('model/tokenizer.json', (json) => Object.assign(json, { model: { type: 'Quantum' } })),
    /Quantum.*could not be loaded/,
  ],
  [
    'a generation_config.json that is broken',
    () => writeFileSync(at('model/generation_config.json'), '{"eos'),
    /generation_config\.json is not valid JSON/,
  ],
  ['weights with NaN', spoilNorm, /model\.norm\.weight .* has NaN in element 0/],
  ['a measurement that is missing', () => ['-m', at('none.json')], /There is no file .*none\.json/],
  ['a measurement of another model', () => ['-m', measurementOf('qwen3')], /measurement is of another model/],
  [
    'a measurement without room for so few bits',
    () => ['-m', measurementOf('llama_tied_bias'), '-b', '2'],
    /2\.000 bits per weight is too little/,
  ],
  ['calibration data that is missing', () => ['-c', at('none.txt')], /There is no file .*none\.txt/],
  ['calibration data that is too short', () => ['-r', '9000'], /Give more text, or ask for/],
  ['calibration data in UTF-16', () => ['-c', utf16()], /NUL byte/],
  ['an output that is not replaced', () => ['-cf', occupied()], /holds files that are not an EXL2 model/],
  ['a card that is not there', () => ['--gpus', '99'], /there is no card 99/],
  ['an adapter that is not there', () => ['--gpu', 'abacus'], /no adapter has this in its name/],
  ['a measurement file that is there', () => ['-om', at('text.txt')], /is there already/],
])('refuses %s', async (_, damage, message) => {
  const args = ((await damage()) as string[] | undefined) ?? [];
  const before = readdirSync(root);
  const failing = dryRun(...args);
  await expect(failing).rejects.toThrow(message);
  expect(readdirSync(root)).toEqual(before);
});

function utf16(): string {
  writeFileSync(at('utf16.txt'), Buffer.from('The quick brown fox. '.repeat(99), 'utf16le'));
  return at('utf16.txt');
}
function occupied(): string {
  mkdirSync(at('mine'));
  writeFileSync(at('mine/letter.txt'), 'Dear …');
  return at('mine');
}

test('refuses a work directory that is in use, or holds another job; with --no_resume that is dropped', async () => {
  const unlock = await lockWork(at('new/work'));
  await expect(dryRun()).rejects.toThrow(`is in use by process ${process.pid}`);
  await unlock();
  await workDirectory(nodeDirectory(at('new/work'))).writeJson('job.json', { bits: 3 });
  const job = readFileSync(at('new/work/job.json'), 'utf8');
  await expect(dryRun()).rejects.toThrow(InputError);
  await expect(dryRun()).rejects.toThrow(/holds a job with other inputs:\n {2}bits: 3 then, 4 now/);
  expect((await dryRun('--no_resume')).at(-1)?.type).toBe('plan');
  expect(readFileSync(at('new/work/job.json'), 'utf8')).toBe(job);
  // Without a description its artefacts tell whose they are.
  rmSync(at('new/work/job.json'));
  await workDirectory(nodeDirectory(at('new/work'))).writeJson('measured/a.json', []);
  await expect(dryRun()).rejects.toThrow(/measured\/a\.json is of a job with other/);
  expect((await dryRun('--no_resume')).at(-1)?.type).toBe('plan');
  expect(existsSync(at('new/work/measured/a.json'))).toBe(true);
});

test('a measurement alone asks for no rows that only the quantization would use', async () => {
  const events = await dryRun('-om', at('new.json'), '-r', '9000');
  expect(events.at(-1)).toMatchObject({ type: 'plan', calibration: { measurement: { rows: 2 } } });
});

test('takes the sizes of candidates from the measurement that is given', async () => {
  const plan = (await dryRun()).at(-1);
  const measured = (await dryRun('-m', measurementOf('llama_tied_bias'))).at(-1);
  if (plan?.type !== 'plan' || measured?.type !== 'plan') throw new Error('there is no plan');
  expect(measured.modules[0]!.candidateBits).toHaveLength(19);
  expect(plan.modules[0]!.candidateBits.length).toBeGreaterThan(19);
});
