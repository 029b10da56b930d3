/** Recordings: the one that comes with the page and those of jobs, and how they are played. */

import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test, vi } from 'vitest';
import { unpackDemo } from '../../src/app/replay/demo-recording.ts';
import { Player } from '../../src/app/replay/player.ts';
import { jobRecording } from '../../src/app/replay/recording.ts';
import { weightBytes } from '../../src/app/result-words.ts';
import { parseDescription } from '../../src/app/settings.ts';
import { findParting } from '../../src/app/state/parting.ts';
import { mockRecords } from '../support/page/mock-jobs.ts';
import { mockMeasurement, mockModel } from '../support/page/mock-model.ts';
import { mockRecording } from '../support/page/mock-replay.ts';

const path = (name: string) => fileURLToPath(new URL(`../../data/${name}`, import.meta.url));
const read = (name: string) => JSON.parse(readFileSync(path(name), 'utf8'));
const recording = unpackDemo(read('demo.json'));

afterEach(() => void vi.useRealTimers());

test('the recording is small, and of the conversion whose figures the first screen shows', () => {
  expect(statSync(path('demo.json')).size).toBeLessThanOrEqual(150_000);
  const summary = read('demo-summary.json');
  const result = recording.end.results[0]!;
  expect(weightBytes(result)).toBe(summary.bytes);
  expect(recording.record.model.bytes).toBe(summary.originalBytes);
  expect(result.evaluation!.agreement).toBe(summary.agreement);
  expect(summary.rows).toHaveLength(recording.record.model.layers);
});

test('trials are whole: every linear of their module has its setting', () => {
  const trials = recording.batches.flatMap(({ events }) => events).filter((event) => event.type === 'trial');
  expect(trials.length).toBeGreaterThan(100);
  for (const { module, description } of trials) {
    const { linears } = recording.record.model.modules.find(({ key }) => key === module)!;
    expect(Object.keys(parseDescription(description))).toEqual(linears.map(({ name }) => name));
  }
});

test('the recorded texts part, and both models tell what they thought there', () => {
  const { same, odds } = findParting(recording.texts.original, recording.texts.quantized);
  expect(same).toBeGreaterThan(0);
  expect(odds.length).toBeGreaterThanOrEqual(2);
  expect(odds[0]!.original.probability).toBeGreaterThan(odds[1]!.original.probability);
  expect(odds[1]!.quantized.probability).toBeGreaterThan(odds[0]!.quantized.probability);
});

test('it begins with nothing, is stepped to what is to be seen, and ends with the result', () => {
  const player = new Player(recording);
  const measured = () =>
    [...player.job.view.value.modules.values()].filter((module) => module.measured).length;
  expect([measured(), player.job.record.value.state]).toEqual([0, 'running']);
  player.step();
  expect(measured()).toBe(1);
  player.step();
  expect(measured()).toBe(2);
  player.seek(player.duration);
  expect(player.job.record.value).toMatchObject({ state: 'done', measured: true });
  expect(player.job.record.value.results).toHaveLength(1);
  expect(player.isOver.value).toBe(true);
});

test('wound back it is as it was, whatever has been played since', () => {
  const player = new Player(recording);
  for (let i = 0; i < 20; i++) player.step();
  const { time } = player;
  const there = time.value;
  const { modules, stages } = player.job.view.value;
  player.seek(player.duration);
  player.seek(there);
  expect(player.job.view.value.stages).toEqual(stages);
  expect([...player.job.view.value.modules]).toEqual([...modules]);
  expect(player.job.record.value).toMatchObject({ state: 'running', results: [] });
});

test('it plays in the time of its pace, pauses, and begins again after its end', () => {
  vi.useFakeTimers();
  const player = new Player(recording);
  player.play();
  vi.advanceTimersByTime(30_000);
  expect(player.time.value / player.duration).toBeCloseTo(0.5, 2);
  player.pause();
  vi.advanceTimersByTime(30_000);
  expect(player.time.value / player.duration).toBeCloseTo(0.5, 2);
  player.pace.value = 'fast';
  player.play();
  vi.advanceTimersByTime(8000);
  expect([player.isOver.value, player.playing.value]).toEqual([true, false]);
  player.play();
  expect(player.time.value).toBe(0);
  player.pause();
});

test('a job of several bitrates is played through all of them, to its record as it is now', async () => {
  const model = mockModel(null);
  const measured = await mockMeasurement(model);
  const record = mockRecords('some', model, measured).find(({ id }) => id === 'done')!;
  const player = new Player(jobRecording(record, mockRecording(record, measured)));
  const { view } = player.job;
  expect(view.value.record).toMatchObject({ state: 'running', measured: false, results: [] });
  const shown: unknown[] = [];
  while (!player.isOver.value) {
    player.step();
    const { bits, record: now, stages } = view.value;
    const present = [bits, now.measured, now.results.length, stages.quantize === 'waiting'];
    if (JSON.stringify(present) !== JSON.stringify(shown.at(-1))) shown.push(present);
  }
  expect(shown).toEqual([
    [4, false, 0, true],
    [4, true, 0, false],
    [2.75, true, 1, false],
    [2.75, true, 2, false],
  ]);
  expect(view.value.record).toBe(record);
  player.seek(0);
  expect(view.value).toMatchObject({ bits: 4, record: { measured: false, results: [] } });
});
