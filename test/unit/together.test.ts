import { expect, test } from 'vitest';
import { OutOfMemoryError } from '../../src/util/errors.ts';
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

test('memory that ran out is told, whatever else comes of it', async () => {
  const works = [Promise.reject(new Error('refused')), Promise.reject(new OutOfMemoryError('too little'))];
  await expect(together(works)).rejects.toThrow(OutOfMemoryError);
});
