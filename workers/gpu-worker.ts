/** Owns adapter and device: runs the engine on them, one run or one text at a time. Its name says which GPU. */

import { expose } from 'comlink';
import { openGpu } from '../src/gpu/device.ts';
import { openAdapter } from './adapter.ts';
import type { GpuChoice } from './api/gpu.ts';
import type { GpuWorkerApi } from './gpu-api.ts';
import { gpuFacts } from './gpu-facts.ts';
import { runJob } from './gpu-run.ts';
import { writeText } from './gpu-text.ts';
import { PauseGate } from './pause-gate.ts';
import { TextWriter } from './text-writer.ts';
import { holdLock } from './worker-lock.ts';

const choice = self.name as GpuChoice;
const gate = new PauseGate();
const writer = new TextWriter(async (budget) => openGpu((await openAdapter(choice)).adapter, budget));
let current: AbortController | undefined;

const api: GpuWorkerApi = {
  begin: holdLock,
  facts: () => gpuFacts(choice),
  async run(job, listener) {
    const controller = new AbortController();
    current = controller;
    try {
      await writer.free();
      return await runJob(choice, job, { signal: controller.signal, resumed: gate.passed }, listener);
    } finally {
      controller.abort(); // nothing of it goes on
    }
  },
  pause: () => gate.close(),
  unpause: () => gate.open(),
  cancel() {
    current?.abort();
    gate.open();
  },
  write: (text, listener) => writeText(writer, text, listener),
  stopWriting: () => writer.stop(),
  freeModels: () => writer.free(),
};

expose(api);
