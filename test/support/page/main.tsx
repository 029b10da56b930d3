/** The page with a coordinator that plays a conversion instead of computing one. */

import { wrap } from 'comlink';
import { render } from 'preact';
import '../../../src/app/styles/page.css';
import { App } from '../../../src/app/app.tsx';
import { AppState } from '../../../src/app/state/app-state.ts';
import type { CoordinatorApi } from '../../../workers/api.ts';

const worker = new Worker(new URL('./mock-coordinator.ts', import.meta.url), {
  type: 'module',
  name: location.search,
});
const root = document.getElementById('app');
if (root) render(<App state={new AppState(wrap<CoordinatorApi>(worker))} />, root);
