import { expect, test } from 'vitest';
import { readHeader } from '../../src/io/safetensors/header.ts';
import { InputError } from '../../src/util/errors.ts';
import { sourceOf } from './io-fixtures.ts';

const DEPTH = 100_000;
const NESTED = `${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}`;

test.each([
  ['shape', `{"a":{"dtype":"F32","shape":${NESTED},"data_offsets":[0,4]}}`],
  ['data_offsets', `{"a":{"dtype":"F32","shape":[1],"data_offsets":${NESTED}}}`],
])('a %s that nests deeply is refused with its tensor', async (field, header) => {
  const opened = readHeader(sourceOf(header, 4));
  await expect(opened).rejects.toThrow(InputError);
  await expect(opened).rejects.toThrow(
    `tensor "a" in bad.safetensors has ${field} nested too deeply to show`,
  );
});
