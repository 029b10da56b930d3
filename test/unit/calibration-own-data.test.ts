import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { rowsToTensor } from '../../src/calibration/artefact.ts';
import { readCalibrationFile } from '../../src/calibration/own-data.ts';
import type { CalibrationRows } from '../../src/calibration/rows.ts';
import type { ByteSource } from '../../src/io/bytes.ts';
import { memoryDirectory, memorySource } from '../../src/io/platform/memory-directory.ts';
import { nodeDirectory } from '../../src/io/platform/node-directory.ts';
import { openSafetensors } from '../../src/io/safetensors/reader.ts';
import { planShard, writeSafetensors } from '../../src/io/safetensors/writer.ts';
import type { HostTensor } from '../../src/tensor/dtype.ts';
import { loadTokenizer, type Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { InputError } from '../../src/util/errors.ts';

const directory = (path: string) => nodeDirectory(fileURLToPath(new URL(`../../${path}`, import.meta.url)));

/** Rows that ExLlamaV2 0.3.2 cut from cal_small.parquet for tinystories-7m. */
const fixture = async (name: string): Promise<ByteSource> =>
  (await directory('test/fixtures/calibration').open(name))!;

/** One token a character: its code. */
const byCharacter: Tokenizer = {
  encode: (text) => Array.from(text, (char) => char.codePointAt(0)!),
  decode: (ids) => ids.map((id) => String.fromCodePoint(id)).join(''),
  bosId: undefined,
  eosIds: [],
  vocabSize: 0x110000,
};

const source = (name: string, contents: string | Uint8Array): ByteSource =>
  memorySource(typeof contents === 'string' ? new TextEncoder().encode(contents) : contents, name);

/** The rows of a file as text, by {@link byCharacter}. */
async function rowsOf(name: string, contents: string | Uint8Array, rows: number, length: number) {
  const read = await readCalibrationFile(source(name, contents), byCharacter, { rows, length });
  return Array.from({ length: rows }, (_, r) =>
    byCharacter.decode([...read.ids.subarray(r * length, (r + 1) * length)]),
  );
}

async function safetensors(tensor: HostTensor): Promise<Uint8Array> {
  const target = memoryDirectory();
  await writeSafetensors(target, planShard('rows.safetensors', [tensor]), async () => tensor);
  const written = (await target.open('rows.safetensors'))!;
  return written.read(0, written.size);
}

describe('ExLlamaV2 as the reference', () => {
  test.each([
    { file: 'cal_measure.safetensors', rows: 4 },
    { file: 'cal_quant.safetensors', rows: 8 },
  ])('$file: the Parquet file tokenizes to exactly these rows', async ({ file, rows }) => {
    const tokenizer = await loadTokenizer(directory('public/models/tinystories-7m'));
    const made = await readCalibrationFile(await fixture('cal_small.parquet'), tokenizer, {
      rows,
      length: 128,
    });
    const tensor = await (await openSafetensors(await fixture(file))).read('input_ids');
    expect(rowsToTensor(made)).toEqual({ ...tensor, data: new Uint8Array(tensor.data) });
    expect(made.sources).toHaveLength(rows);

    const stored = await readCalibrationFile(await fixture(file), tokenizer, { rows, length: 128 });
    expect(stored.ids).toEqual(made.ids);
  });
});

describe('text files', () => {
  test('are cut into rows across lines', async () => {
    expect(await rowsOf('a.txt', 'abc\ndéf\n', 2, 4)).toEqual(['abc\n', 'déf\n']);
    expect(await rowsOf('A.TXT', 'abcdefgh', 1, 3)).toEqual(['abc']);
  });

  test('of more than a megabyte lose nothing where pieces meet', async () => {
    const text = 'ü€😀 line of words\n'.repeat(80_000);
    expect((await rowsOf('long.txt', text, 1, Array.from(text).length))[0]).toBe(text);
  });

  test('are read no further than needed', async () => {
    const reads: number[] = [];
    const endless: ByteSource = {
      name: 'endless.txt',
      size: 1e12,
      async read(start, end) {
        reads.push(end);
        return new Uint8Array(end - start).fill(10);
      },
    };
    await readCalibrationFile(endless, byCharacter, { rows: 2, length: 8 });
    expect(reads).toEqual([2 ** 20]);
  });

  test('must be UTF-8 and have lines', async () => {
    await expect(rowsOf('a.txt', new Uint8Array([97, 0xff]), 1, 1)).rejects.toThrow(
      /a\.txt is not valid UTF-8/,
    );
    const cut = new TextEncoder().encode('ab€').slice(0, 4);
    await expect(rowsOf('a.txt', cut, 1, 1)).rejects.toThrow(InputError);
  });
});

describe('JSON lines', () => {
  test('give the text of every known form', async () => {
    const lines = [
      { text: 'ab', content: 'no' },
      { content: 'cd' },
      { prompt: 'e', completion: 'f' },
      { messages: [{ role: 'user', content: 'g' }, { content: [{ text: 'h' }, { image: 1 }] }] },
    ];
    const file = `${lines.map((line) => JSON.stringify(line)).join('\n\n')}\n`;
    expect(await rowsOf('a.jsonl', file, 5, 2)).toEqual(['ab', 'cd', 'ef', 'g\n', '\nh']);
  });

  test('name the line and the fields that it has', async () => {
    const bad = (line: string) => rowsOf('a.jsonl', `{"text":"ok"}\n\n${line}\n`, 1, 100);
    await expect(bad('{"instruction":"x","output":"y"}')).rejects.toThrow(
      /a\.jsonl, line 3 has fields instruction, output; .*"messages"/,
    );
    await expect(bad('{}')).rejects.toThrow(/\(none\)/);
    await expect(bad('[1]')).rejects.toThrow(/line 3 has no object/);
    await expect(bad('{"text":')).rejects.toThrow(/line 3 is not valid JSON/);
    await expect(bad('{"messages":[{"role":"user"}]}')).rejects.toThrow(/fields messages/);
  });
});

describe('Parquet', () => {
  test('that is broken or cut off says so', async () => {
    const whole = await fixture('cal_small.parquet');
    const bytes = await whole.read(0, whole.size);
    await expect(rowsOf('a.parquet', 'PAR1', 1, 1)).rejects.toThrow(
      /a\.parquet could not be read as Parquet/,
    );
    await expect(rowsOf('a.parquet', bytes.slice(0, 5000), 1, 1)).rejects.toThrow(InputError);
    await expect(rowsOf('a.parquet', bytes.fill(7, 100, 60_000), 1, 10_000)).rejects.toThrow(InputError);
  });
});

describe('token rows', () => {
  const rows: CalibrationRows = {
    rows: 2,
    length: 3,
    ids: Int32Array.of(1, 2, 3, 4, 5, 6),
    sources: ['a', 'b'],
  };

  test('are cut to the rows and length asked for, int64 or int32', async () => {
    const wide = await safetensors(rowsToTensor(rows));
    const narrow = await safetensors({
      ...rowsToTensor(rows),
      dtype: 'I32',
      data: new Uint8Array(rows.ids.slice().buffer),
    });
    for (const file of [wide, narrow]) {
      const read = await readCalibrationFile(source('r.safetensors', file), byCharacter, {
        rows: 2,
        length: 2,
      });
      expect([...read.ids]).toEqual([1, 2, 4, 5]);
      expect(read.sources).toEqual(['r.safetensors', 'r.safetensors']);
    }
  });

  test('that are too few, of another shape, dtype or name are refused', async () => {
    const tensor = rowsToTensor(rows);
    const read = async (changed: Partial<HostTensor>, shape = { rows: 2, length: 3 }) =>
      readCalibrationFile(
        source('r.safetensors', await safetensors({ ...tensor, ...changed })),
        byCharacter,
        shape,
      );
    await expect(read({}, { rows: 3, length: 3 })).rejects.toThrow(
      /2 rows of 3 tokens; 3 rows of 3 are asked/,
    );
    await expect(read({}, { rows: 2, length: 4 })).rejects.toThrow(/--measurement_length/);
    await expect(read({ shape: [6] })).rejects.toThrow(/I64 \(6\); token rows must be/);
    await expect(read({ dtype: 'F64' })).rejects.toThrow(/F64 \(2, 3\)/);
    await expect(read({ name: 'tokens' })).rejects.toThrow(/no tensor input_ids \(it has tokens\)/);
  });

  test('with ids that the tokenizer lacks are refused with their place', async () => {
    const small = { ...byCharacter, vocabSize: 10 };
    const read = async (id: bigint) => {
      const data = new Uint8Array(BigInt64Array.of(1n, 2n, 3n, 4n, id, 6n).buffer);
      const file = await safetensors({ ...rowsToTensor(rows), data });
      return readCalibrationFile(source('r.safetensors', file), small, { rows: 2, length: 3 });
    };
    expect((await read(9n)).ids[4]).toBe(9);
    for (const bad of [10n, -1n, 2n ** 32n + 1n, -(2n ** 63n)]) {
      await expect(read(bad)).rejects.toThrow(/outside 0 … 9 at row 1, position 1/);
    }
  });
});

test('too little text says how much there is and what to lower', async () => {
  await expect(rowsOf('a.txt', 'abcdefghij', 3, 4)).rejects.toThrow(
    /a\.txt has 10 tokens, but 3 rows × 4 tokens = 12 are needed.*at most 2 rows of 4 tokens.*--dataset_rows/,
  );
  await expect(rowsOf('a.txt', 'abc', 1, 4)).rejects.toThrow(/rows of at most 3 tokens/);
  await expect(rowsOf('a.txt', '', 1, 4)).rejects.toThrow(/has 0 tokens/);
});

test('other extensions are refused with the list of those that work', async () => {
  for (const name of ['a.csv', 'noextension', 'a.constructor', 'folder.txt/file']) {
    await expect(rowsOf(name, 'abc', 1, 1)).rejects.toThrow(/use \.parquet, \.txt, \.jsonl or \.safetensors/);
  }
});

test.each(['a.parquet', 'a.txt', 'a.jsonl', 'a.safetensors'])(
  'a git-lfs pointer in place of %s is told as one',
  async (name) => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n';
    await expect(
      readCalibrationFile(source(name, pointer), byCharacter, { rows: 1, length: 4 }),
    ).rejects.toThrow(`${name} is a git-lfs pointer, not the file itself: run "git lfs pull"`);
  },
);
