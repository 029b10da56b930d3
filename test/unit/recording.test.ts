/** What is kept of a conversion's events for its replay. */

import { expect, test } from 'vitest';
import type { ConvertEvent } from '../../src/job/events.ts';
import { unpackBatches } from '../../src/job/recording/packed.ts';
import { Recorder } from '../../src/job/recording/recorder.ts';

const progress = (done: number, detail = 'model.layers.0.mlp'): ConvertEvent => ({
  ...{ type: 'progress', stage: 'measure', unit: 'weights' },
  ...{ done, total: 1000, detail },
});
const trial = (module: string, candidate: number): ConvertEvent => ({
  ...{
    type: 'trial',
    module,
    candidate,
    error: 0.12345678,
    bitsPerWeight: 3.0517578125,
    predicted: candidate > 0,
  },
  description: 'gate_proj 1:3b_64g s4, down_proj 0.05:8b_32g/0.95:3b_64g s4',
});
const expert: ConvertEvent = {
  ...{ type: 'linear', key: 'model.layers.0.mlp.experts.7.up_proj', choice: 'model.layers.0.mlp' },
  ...{ name: 'up_proj', expert: 7, bitsPerWeight: 2.125, error: 0.25 },
};
const head: ConvertEvent = { type: 'linear', key: 'lm_head', bitsPerWeight: 6.125 };
const moduleDone: ConvertEvent = {
  ...{ type: 'module', stage: 'measure', key: 'model.layers.0.mlp', index: 0, count: 1 },
  ...{ seconds: 1, resumed: false },
};

test('events come out as they went in, with the digits that are shown', () => {
  const recorder = new Recorder();
  recorder.add(10.4, undefined, [
    progress(0),
    trial('model.layers.0.mlp', 0),
    trial('model.layers.0.mlp', 1),
  ]);
  recorder.add(20, 2.5, [expert, head, moduleDone]);
  const rounded = { error: 0.12346, bitsPerWeight: 3.0518 };
  expect(unpackBatches(JSON.parse(JSON.stringify(recorder.recording)))).toEqual([
    {
      time: 10,
      events: [
        progress(0),
        { ...trial('model.layers.0.mlp', 0), ...rounded },
        { ...trial('model.layers.0.mlp', 1), ...rounded },
      ],
    },
    { time: 20, bits: 2.5, events: [expert, head, moduleDone] },
  ]);
});

test('what nobody would see is left out: memory, and progress of less than half a per cent', () => {
  const recorder = new Recorder();
  const memory = { type: 'memory' } as ConvertEvent;
  recorder.add(1, undefined, [
    progress(0),
    progress(4),
    progress(5),
    memory,
    progress(6, 'another'),
    progress(2),
  ]);
  recorder.add(2, undefined, [memory]);
  const seen = [progress(0), progress(5), progress(6, 'another'), progress(2)];
  expect(unpackBatches(recorder.recording)).toEqual([{ time: 1, events: seen }]);
});

/** As many events as a conversion of so many layers tells, for one bitrate. */
function recordLayers(recorder: Recorder, layers: number): void {
  for (let layer = 0; layer < layers; layer++)
    for (const part of ['self_attn', 'mlp']) {
      const key = `model.layers.${layer}.${part}`;
      const trials = Array.from({ length: 45 }, (_, candidate) => trial(key, candidate));
      recorder.add(layer * 1000, undefined, [...trials, { ...moduleDone, key } as ConvertEvent]);
    }
}

test('80 layers take less than a megabyte; one that has no end stops where it is too large', () => {
  const recorder = new Recorder();
  recordLayers(recorder, 80);
  const size = JSON.stringify(recorder.recording).length;
  expect(size).toBeLessThan(1_000_000);
  const small = new Recorder(undefined, 10_000);
  recordLayers(small, 80);
  const kept = JSON.stringify(small.recording).length;
  expect(kept).toBeGreaterThan(10_000);
  expect(kept).toBeLessThan(15_000);
  expect(new Recorder(small.recording, 10_000).recording).toEqual(small.recording);
});

test('a recording that goes on keeps its words and its time', () => {
  const first = new Recorder();
  first.add(500, undefined, [trial('a', 0)]);
  const second = new Recorder(first.recording);
  expect(second.time).toBe(500);
  second.add(600, undefined, [trial('a', 1), trial('b', 0)]);
  const trials = unpackBatches(second.recording).flatMap(({ events }) => events);
  expect(trials).toMatchObject([
    { module: 'a', candidate: 0 },
    { module: 'a', candidate: 1 },
    { module: 'b', candidate: 0 },
  ]);
  expect(new Set(second.recording.words).size).toBe(second.recording.words.length);
});
