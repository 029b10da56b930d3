/** Owns adapter and device: runs the engine on them, one run at a time. */

import { expose } from 'comlink';
import type { GpuWorkerApi } from './gpu-api.ts';
import { gpuFacts } from './gpu-facts.ts';
import { runJob } from './gpu-run.ts';
import { PauseGate } from './pause-gate.ts';

const gate = new PauseGate();
let current: AbortController | undefined;

const api: GpuWorkerApi = {
  facts: gpuFacts,
  async run(job, listener) {
    const controller = new AbortController();
    current = controller;
    return runJob(job, { signal: controller.signal, resumed: gate.passed }, listener);
  },
  pause: () => gate.close(),
  unpause: () => gate.open(),
  cancel() {
    current?.abort();
    gate.open();
  },
};

expose(api);
