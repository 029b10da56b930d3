import { afterEach, expect, test, vi } from 'vitest';
import { connect } from '../../src/app/connect.ts';
import { AppState } from '../../src/app/state/app-state.ts';
import { go } from '../../src/app/state/route.ts';
import type { CoordinatorApi } from '../../workers/api/coordinator.ts';
import { eventually } from '../support/patience.ts';

afterEach(() => vi.unstubAllGlobals());

test('a worker that does not load, or that ends, is told of', () => {
  const worker = Object.assign(new EventTarget(), { postMessage: () => {}, onerror: (_: object) => {} });
  const told: string[] = [];
  connect((why) => told.push(why), worker as unknown as Worker);
  worker.onerror({});
  worker.onerror({ message: 'out of memory' });
  expect(told).toEqual([
    expect.stringContaining('could not be started'),
    expect.stringContaining('has ended: out of memory'),
  ]);
});

test('what went wrong on one screen is not shown on the next', async () => {
  const events = { addEventListener: () => {}, removeEventListener: () => {} };
  vi.stubGlobal('document', events);
  vi.stubGlobal('window', events);
  for (const [name, value] of Object.entries(events)) vi.stubGlobal(name, value);
  vi.stubGlobal('location', { hash: '' });
  vi.stubGlobal('history', { pushState: () => {} });
  vi.stubGlobal('scrollTo', () => {});
  const fail = () => Promise.reject(new Error('There is no storage'));
  const app = new AppState({ watch: fail, gpu: fail } as unknown as CoordinatorApi);
  const close = app.open();
  await eventually(() => expect(app.trouble.value).toBe('There is no storage'));
  go({ screen: 'plan' });
  expect(app.trouble.value).toBeUndefined();
  close();
});
