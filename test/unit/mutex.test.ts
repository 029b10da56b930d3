import { expect, test } from 'vitest';
import { Mutex } from '../../src/util/mutex.ts';

test('one thing is done at a time, in order, also after one that failed', async () => {
  const mutex = new Mutex();
  const seen: string[] = [];
  const work = (name: string, ms: number) => async () => {
    seen.push(`${name} begins`);
    await new Promise((resolve) => setTimeout(resolve, ms));
    seen.push(`${name} ends`);
    if (name === 'b') throw new Error('broken');
    return name;
  };
  const results = await Promise.allSettled([
    mutex.take(work('a', 10)),
    mutex.take(work('b', 1)),
    mutex.take(work('c', 1)),
  ]);
  expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  expect(results).toEqual([
    { status: 'fulfilled', value: 'a' },
    { status: 'rejected', reason: new Error('broken') },
    { status: 'fulfilled', value: 'c' },
  ]);
});
