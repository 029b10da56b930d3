import { expect, test } from 'vitest';
import { together } from '../../src/util/together.ts';

test('the first error comes when all is done', async () => {
  let isDone = false;
  const slow = new Promise<void>((resolve) => setTimeout(resolve, 20)).then(() => {
    isDone = true;
  });
  const failing = Promise.reject(new Error('first'));
  await expect(together([failing, slow, Promise.reject(new Error('second'))])).rejects.toThrow('first');
  expect(isDone).toBe(true);
});
