/** Where a start leads when it is done, and the user has gone elsewhere meanwhile. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AppState } from '../../src/app/state/app-state.ts';
import { go, route } from '../../src/app/state/route.ts';
import type { CoordinatorApi } from '../../workers/api/coordinator.ts';
import type { ModelSource } from '../../workers/api/folders.ts';

const DEMO: ModelSource = { kind: 'demo' };

beforeEach(() => {
  vi.stubGlobal('location', { hash: '' });
  vi.stubGlobal('history', { pushState: () => {} });
  vi.stubGlobal('scrollTo', () => {});
  vi.stubGlobal('navigator', { storage: { persist: async () => true } });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

/** A plan whose start has been clicked, and what lets the coordinator answer. */
function started() {
  let resolve: (id: string) => void = () => {};
  const id = new Promise<string>((settle) => {
    resolve = settle;
  });
  const app = new AppState({
    start: () => id,
    jobs: async () => [],
    inspect: async () => ({}),
    plan: async () => ({ problems: [] }),
  } as unknown as CoordinatorApi);
  app.choose(DEMO);
  const done = app.start();
  const answer = () => {
    resolve('new');
    return done;
  };
  return { app, answer };
}

test('the job is shown where its plan still is', async () => {
  const { answer } = started();
  await answer();
  expect(route.value).toEqual({ screen: 'job', id: 'new' });
});

test('another screen stays', async () => {
  const { answer } = started();
  go({ screen: 'start' });
  await answer();
  expect(route.value).toEqual({ screen: 'start' });
});

test('another plan stays', async () => {
  const { app, answer } = started();
  go({ screen: 'start' });
  app.choose(DEMO);
  await answer();
  expect(route.value).toEqual({ screen: 'plan' });
});
