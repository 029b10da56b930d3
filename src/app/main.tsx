import { render } from 'preact';
import './styles/page.css';
import { App } from './app.tsx';
import { connect } from './connect.ts';
import { keepForOffline } from './platform/offline.ts';
import { AppState } from './state/app-state.ts';

const root = document.getElementById('app');
const state: AppState = new AppState(
  connect((why) => {
    state.lost.value = why;
  }),
);
if (root) render(<App state={state} />, root);
keepForOffline();
