/** The page with a coordinator that plays a conversion instead of computing one. */

import { render } from 'preact';
import '../../../src/app/styles/page.css';
import { App } from '../../../src/app/app.tsx';
import { connect } from '../../../src/app/connect.ts';
import { AppState } from '../../../src/app/state/app-state.ts';

const playing = () =>
  new Worker(new URL('./mock-coordinator.ts', import.meta.url), { type: 'module', name: location.search });
const isGone = new URLSearchParams(location.search).get('worker') === 'gone';
const worker = isGone ? new Worker('gone.js', { type: 'module' }) : playing();
const root = document.getElementById('app');
const onLost = (why: string) => {
  state.lost.value = why;
};
const state: AppState = new AppState(connect(onLost, worker));
if (root) render(<App state={state} />, root);
