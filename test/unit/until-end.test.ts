import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { UntilEnd } from '../../src/util/until-end.ts';

function ending() {
  let end: (error: Error) => void = () => {};
  const ended = new Promise<never>((_, reject) => {
    end = reject;
  });
  return { until: new UntilEnd(ended), end };
}

test('answers and errors come through', async () => {
  const { until } = ending();
  expect(await until.answer(Promise.resolve(1))).toBe(1);
  await expect(until.answer(Promise.reject(new Error('broken')))).rejects.toThrow('broken');
});

test('what waits at the end is rejected, and all that comes after it', async () => {
  const { until, end } = ending();
  const waiting = until.answer(new Promise(() => {}));
  const failing = expect(waiting).rejects.toThrow('killed');
  end(new Error('killed'));
  await failing;
  await expect(until.answer(Promise.resolve(1))).rejects.toThrow('killed');
});

test('nothing is kept of what was answered', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const { until } = ending();
  const answer = async () => new WeakRef(await until.answer(Promise.resolve({ large: true })));
  const kept = await answer();
  await new Promise((resolve) => setTimeout(resolve, 1));
  collect();
  expect(kept.deref()).toBeUndefined();
});
