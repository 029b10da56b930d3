import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  assembleModel,
  buildCli,
  type CliResult,
  FEW_ROWS,
  runCli,
  temporaryDirectory,
} from '../support/cli.ts';

const temporary = temporaryDirectory('slices');
const at = (name: string) => join(temporary.path, name);
const measuring = (name: string, work: string, ...more: string[]) =>
  runCli([
    ...['-i', at('model'), '-cf', at('unused'), '-o', at(`${work}.work`), '-om', at(`${name}.json`)],
    ...[...FEW_ROWS, '-mr', '1'],
    ...more,
  ]);
const merge = (...args: string[]) =>
  spawnSync(process.execPath, ['dist/cli/merge.js', ...args], { encoding: 'utf8' });
const modulesOf = ({ events }: CliResult) =>
  events.flatMap((event) =>
    event.type === 'module' ? [`${event.key}${event.resumed ? ' earlier' : ''}`] : [],
  );

beforeAll(() => {
  buildCli();
  assembleModel('llama_tied_bias', at('model'));
});
afterAll(() => temporary.remove());

test('two slices make the measurement of one run, byte for byte', async () => {
  expect((await measuring('whole', 'whole')).code).toBe(0);
  const second = await measuring('second', 'second', '--measure-layers', '1-1');
  expect(second).toMatchObject({ code: 0, stderr: '' });
  expect(modulesOf(second)).toEqual(['model.layers.1.self_attn', 'model.layers.1.mlp']);
  const trialled = second.events.flatMap((event) => (event.type === 'trial' ? [event.module] : []));
  expect(new Set(trialled)).toEqual(new Set(modulesOf(second)));
  const progress = second.events.filter((event) => event.type === 'progress');
  // Of the layer before it, which is only run, nothing counts.
  const before = progress.filter(({ detail }) => detail.startsWith('model.layers.0.'));
  expect(before.length).toBeGreaterThan(0);
  expect(before.every(({ done }) => done === 0)).toBe(true);
  expect(progress.at(-1)!.done).toBe(progress.at(-1)!.total);

  // One that was stopped in its last module: the layer before is run again, what is measured is kept.
  rmSync(at('second.work/measured/model.layers.1.mlp.json'));
  const resumed = await measuring('resumed', 'second', '--measure-layers', '1-1');
  expect(modulesOf(resumed)).toEqual(['model.layers.1.self_attn earlier', 'model.layers.1.mlp']);
  expect(readFileSync(at('resumed.json'))).toEqual(readFileSync(at('second.json')));

  // A work directory serves another slice: what is measured is kept.
  expect((await measuring('first', 'second', '--measure-layers', '0-0')).code).toBe(0);
  const again = await measuring('again', 'second', '--measure-layers', '0-1');
  expect(modulesOf(again).every((module) => module.endsWith(' earlier'))).toBe(true);

  const merged = merge(at('first.json'), at('second.json'), '-o', at('merged.json'));
  expect(merged).toMatchObject({ status: 0, stderr: '' });
  expect(readFileSync(at('merged.json'))).toEqual(readFileSync(at('whole.json')));

  const gap = merge(at('second.json'), '-o', at('gap.json'));
  expect(gap.status).toBe(1);
  expect(gap.stderr).toContain('Layers 0-0 of 0-1 are missing');
});

test('layers that the model lacks are refused before any work', async () => {
  const { code, stderr, events } = await measuring('none', 'none', '--measure-layers', '1-2');
  expect(code).toBe(1);
  expect(stderr).toBe('Error: Layers 1-2 are to be measured, but the model has 2 layers: 0-1.\n');
  expect(events).toEqual([]);
});
