import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ConvertEvent } from '../../src/job/events.ts';
import { adapterName, isSameAdapter } from '../../workers/adapter.ts';
import { EventBatch } from '../../workers/event-batch.ts';
import { PauseGate } from '../../workers/pause-gate.ts';
import { RateMeter } from '../../workers/rates.ts';

const progress = (done: number, stage: 'measure' | 'compile' = 'measure'): ConvertEvent => ({
  type: 'progress',
  stage,
  done,
  total: 100,
  unit: 'weights',
  detail: '',
});
const warning = (message: string): ConvertEvent => ({ type: 'warning', message });

describe('PauseGate', () => {
  test('lets through while open, holds all while closed, and does not hold who came later', async () => {
    const gate = new PauseGate();
    await gate.passed();
    gate.close();
    gate.close();
    const passed: string[] = [];
    const waiting = ['a', 'b'].map((name) => gate.passed().then(() => passed.push(name)));
    await Promise.resolve();
    expect(passed).toEqual([]);
    gate.open();
    await Promise.all(waiting);
    expect(passed).toEqual(['a', 'b']);
    await gate.passed();
  });

  test('who waits goes on waiting when it is closed again at once', async () => {
    const gate = new PauseGate();
    gate.close();
    let passed = false;
    const waiting = gate.passed().then(() => {
      passed = true;
    });
    gate.open();
    gate.close();
    await new Promise((resolve) => setTimeout(resolve));
    expect(passed).toBe(false);
    gate.open();
    await waiting;
  });
});

describe('EventBatch', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  test('sends the first event at once and then eight batches a second, in order', () => {
    const batches: (readonly ConvertEvent[])[] = [];
    const batch = new EventBatch<ConvertEvent>(['progress'], (events) => void batches.push(events));
    for (let i = 0; i < 1000; i++) {
      batch.add(warning(String(i)));
      vi.advanceTimersByTime(1);
    }
    vi.advanceTimersByTime(1000);
    expect(batches.length).toBeLessThanOrEqual(10);
    expect(batches[0]).toEqual([warning('0')]);
    expect(batches.flat()).toEqual(Array.from({ length: 1000 }, (_, i) => warning(String(i))));
  });

  test('keeps only the last progress of a batch', () => {
    const batches: (readonly ConvertEvent[])[] = [];
    const batch = new EventBatch<ConvertEvent>(['progress'], (events) => void batches.push(events));
    for (const event of [progress(1), progress(2), warning('x'), progress(3)]) batch.add(event);
    vi.advanceTimersByTime(200);
    expect(batches).toEqual([[progress(1)], [warning('x'), progress(3)]]);
  });

  test('flush waits until what was left has been taken, and sends nothing twice', async () => {
    let taken = 0;
    const batch = new EventBatch<ConvertEvent>([], async (events) => {
      await Promise.resolve();
      taken += events.length;
    });
    batch.add(warning('a'));
    batch.add(warning('b'));
    await batch.flush();
    expect(taken).toBe(2);
    await batch.flush();
    vi.advanceTimersByTime(1000);
    expect(taken).toBe(2);
  });
});

describe('RateMeter', () => {
  test('gives averages over the last seconds', () => {
    let now = 0;
    const meter = new RateMeter(
      (stage) => (stage === 'measure' ? 1000 : 0),
      () => now,
    );
    expect(meter.sample()).toEqual({ read: 0, written: 0, tokens: 0 });
    meter.bytes.read += 3000;
    meter.bytes.written += 500;
    meter.see(progress(10));
    meter.see(progress(20));
    meter.see(progress(90, 'compile'));
    now = 1000;
    expect(meter.sample()).toEqual({ read: 3000, written: 500, tokens: 200 });
    for (now = 2000; now <= 9000; now += 1000) meter.sample();
    expect(meter.sample()).toEqual({ read: 0, written: 0, tokens: 0 });
  });

  test('what an earlier run has done, or a stage that starts again, counts as nothing negative', () => {
    let now = 0;
    const meter = new RateMeter(
      () => 1000,
      () => now,
    );
    meter.see(progress(80));
    meter.see(progress(40));
    now = 1000;
    expect(meter.sample().tokens).toBeGreaterThanOrEqual(0);
  });
});

test('a GPU has the best name that the browser tells', () => {
  const none = { description: '', device: '', vendor: '', architecture: '' };
  expect(adapterName({ ...none, description: 'NVIDIA H100', vendor: 'nvidia' })).toBe('NVIDIA H100');
  expect(adapterName({ ...none, vendor: 'apple', architecture: 'metal-3' })).toBe('apple metal-3');
  expect(adapterName(none)).toBe('unnamed GPU');
});

test('two adapters are one when the browser gives them the same names', () => {
  const nvidia = { description: '', device: '', vendor: 'nvidia', architecture: 'ada' };
  expect(isSameAdapter(nvidia, { ...nvidia })).toBe(true);
  expect(isSameAdapter(nvidia, { ...nvidia, vendor: 'intel' })).toBe(false);
  expect(isSameAdapter(nvidia, { ...nvidia, device: 'RTX 4070' })).toBe(false);
});
