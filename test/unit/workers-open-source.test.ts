/** One inspection at a time; with tokenizers that answer when they are told to. */

import { expect, test, vi } from 'vitest';
import type { ModelSource } from '../../workers/api/folders.ts';
import { forgetSource, openedSource } from '../../workers/open-source.ts';
import { tinyModel } from '../support/tiny-model.ts';

/** Of the models named here, the tokenizers that are being opened. */
const { opening } = vi.hoisted(() => ({ opening: new Map<string, () => void>() }));

vi.mock('../../workers/tokenizer-client.ts', () => ({
  openTokenizer: (_: unknown, name: string, signal: AbortSignal) =>
    new Promise((resolve, reject) => {
      const close = () => void opening.delete(name);
      if (name === 'endless') opening.get('begun')!();
      else resolve({ vocabSize: 300, close });
      opening.set(name, close);
      signal.addEventListener('abort', () => reject(signal.reason));
    }),
}));

const source = (name: string): ModelSource => ({
  kind: 'files',
  name,
  files: [...tinyModel()].map(([path, data]) => ({ path, file: new File([new Uint8Array(data)], path) })),
});

test('another model that is chosen ends the inspection of one whose tokenizer comes to no end', async () => {
  const begun = new Promise<void>((resolve) => opening.set('begun', resolve));
  forgetSource();
  const first = openedSource(source('endless'));
  const failing = expect(first).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  await begun;
  forgetSource();
  const { facts } = await openedSource(source('whole'));
  expect(facts).toMatchObject({ name: 'whole', tokenizerSize: 300 });
  await failing;
  expect(opening.has('whole')).toBe(false);
});
