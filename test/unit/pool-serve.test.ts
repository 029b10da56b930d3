import { expect, test } from 'vitest';
import type { WorkerApi } from '../../src/distribute/leader/api.ts';
import { serve } from '../../src/distribute/worker/serve.ts';

const WHOLE = { from: 0, to: 21 };

/** A worker that keeps what it is asked for; only some of its methods are asked for. */
class Noting {
  readonly asked: unknown[] = [];

  status() {
    return { share: 0.5, memoryBytes: this.asked.length };
  }

  async measure(...request: unknown[]) {
    this.asked.push(request);
    return 'measured';
  }

  async takeLinear() {
    throw new RangeError('no room');
  }
}

test('a worker is asked by the names of its methods once it is there, in their order', async () => {
  const worker = new Noting();
  let open: (worker: WorkerApi) => void = () => {};
  const opening = new Promise<WorkerApi>((resolve) => {
    open = resolve;
  });
  const served = serve(() => opening);
  const answers = Promise.all([served.measure(3, WHOLE), served.measure(1, WHOLE), served.status()]);
  expect(worker.asked).toEqual([]);
  open(worker as unknown as WorkerApi);
  expect(await answers).toEqual(['measured', 'measured', { share: 0.5, memoryBytes: 2 }]);
  expect(worker.asked).toEqual([
    [3, WHOLE],
    [1, WHOLE],
  ]);
});

test('every answer goes through the host’s hand-over; what a worker throws, or why there is none, is told', async () => {
  const handed: unknown[] = [];
  const handOver = <T>(answer: T): T => {
    handed.push(answer);
    return answer;
  };
  const worker = new Noting() as unknown as WorkerApi;
  const served = serve(async () => worker, handOver);
  await served.measure(0, WHOLE);
  await expect(served.takeLinear(0, 'q_proj', [])).rejects.toThrow('no room');
  expect(handed).toEqual(['measured']);
  const none = serve(() => Promise.reject(new Error('There is no adapter')));
  await expect(none.status()).rejects.toThrow('There is no adapter');
});
