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

test('a start that went wrong is not shown on the next screen; storage that is refused is, in words', async () => {
  const events = { addEventListener: () => {}, removeEventListener: () => {} };
  vi.stubGlobal('document', events);
  vi.stubGlobal('window', events);
  for (const [name, value] of Object.entries(events)) vi.stubGlobal(name, value);
  vi.stubGlobal('location', { hash: '' });
  vi.stubGlobal('history', { pushState: () => {} });
  vi.stubGlobal('scrollTo', () => {});
  const fail = () => Promise.reject(new Error('The browser lets this page keep nothing.'));
  const app = new AppState({ watch: fail, gpu: fail } as unknown as CoordinatorApi);
  const close = app.open();
  await eventually(() => expect(app.storageProblem.value).toBe('The browser lets this page keep nothing.'));
  app.startTrouble.value = 'The folder is locked.';
  go({ screen: 'plan' });
  expect(app.startTrouble.value).toBeUndefined();
  expect(app.storageProblem.value).toBeDefined();
  close();
});
