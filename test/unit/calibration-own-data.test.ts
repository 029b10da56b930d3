import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { CalibrationRows } from '../../src/calibrate/rows.ts';
import { rowsToTensor } from '../../src/calibrate/rows-artefact.ts';
import { readCalibrationFile } from '../../src/calibrate/text/own-data.ts';
import { passedOverText } from '../../src/calibrate/text/passed-over.ts';
import type { ByteSource } from '../../src/io/bytes.ts';
import { memoryDirectory, memorySource } from '../../src/io/platform/memory-directory.ts';
import { nodeDirectory } from '../../src/io/platform/node/node-directory.ts';
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

  test.each([
    ['UTF-16', 'utf16le', 1],
    ['UTF-16 with a byte order mark', 'utf16le', 3],
  ] as const)('in %s are refused in words', async (_, encoding, at) => {
    const text = at === 3 ? '\ufeffThe quick fox.' : 'The quick fox.';
    for (const name of ['a.txt', 'a.jsonl']) {
      await expect(rowsOf(name, Buffer.from(text, encoding), 1, 4)).rejects.toThrow(
        `${name} has a NUL byte (at ${at}): it is UTF-16, or no text; save it as UTF-8.`,
      );
    }
  });

  test('with a NUL byte anywhere are refused with its place, and a byte order mark of UTF-8 is no text', async () => {
    const far = 2 ** 20 + 5;
    const text = `${'a'.repeat(far)}\0`;
    await expect(rowsOf('a.txt', text, 1, far + 1)).rejects.toThrow(`NUL byte (at ${far})`);
    expect(await rowsOf('a.txt', '\ufeffab', 1, 2)).toEqual(['ab']);
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

  test.each<[string, object, string]>([
    [
      'ShareGPT',
      {
        id: 'x',
        conversations: [
          { from: 'human', value: 'a' },
          { from: 'gpt', value: 'b' },
        ],
      },
      'a\n\nb',
    ],
    ['Alpaca', { instruction: 'a', input: 'b', output: 'c' }, 'a\n\nb\n\nc'],
    ['Alpaca without input', { instruction: 'a', input: '', output: 'c' }, 'a\n\nc'],
    ['Dolly', { instruction: 'a', context: 'b', response: 'c', category: 'qa' }, 'a\n\nb\n\nc'],
    ['a pair of chats', { prompt: [{ content: 'a' }], completion: [{ content: 'b' }] }, 'ab'],
    ['half a pair', { prompt: 'ab', completion: null }, 'ab'],
    [
      'a chat beside its first prompt',
      { prompt: 'a', messages: [{ content: 'a' }, { content: 'b' }] },
      'a\n\nb',
    ],
    ['no text field', { text: null, content: 'ab' }, 'ab'],
    ['strings for messages', { messages: ['a', 'b'] }, 'a\n\nb'],
  ])('give the text of %s', async (_, record, text) => {
    expect(await rowsOf('a.jsonl', JSON.stringify(record), 1, text.length)).toEqual([text]);
  });

  /** What is passed over of a file with these records. */
  const passedOver = async (records: readonly object[], length: number) => {
    const file = source('a.jsonl', records.map((record) => JSON.stringify(record)).join('\n'));
    const { passedOver: passed } = await readCalibrationFile(file, byCharacter, { rows: 1, length });
    return passed && passedOverText('a.jsonl', passed);
  };

  test('pass over and count what has no text', async () => {
    const toolCall = { messages: [{ content: 'a' }, { content: null, tool_calls: [{}] }, { content: 'b' }] };
    expect(await passedOver([toolCall, toolCall], 8)).toBe(
      'a.jsonl: 2 messages without text were passed over.',
    );
    const picture = {
      messages: [{ content: [{ type: 'image' }] }, { content: [{ text: 'ab' }, { image: 1 }] }],
    };
    expect(await passedOver([picture], 2)).toBe('a.jsonl: 1 message without text was passed over.');
    const empty = [
      { text: null, id: 1 },
      { text: ' ' },
      {},
      { messages: [{ role: 'user' }] },
      { messages: [] },
    ];
    expect(await passedOver([...empty, toolCall], 4)).toBe(
      'a.jsonl: 5 rows and 1 message without text were passed over (line 1 has the fields text, id).',
    );
    expect(await passedOver([{ text: 'ab' }], 2)).toBeUndefined();
    // What lies behind the rows that are needed is not read.
    expect(await passedOver([{ text: 'ab' }, { text: null }], 2)).toBeUndefined();
  });

  test('without any text say so, with the fields that they have', async () => {
    await expect(rowsOf('a.jsonl', '\n{"label":1,"id":"x"}\n{"text":null}', 1, 4)).rejects.toThrow(
      /^a\.jsonl has no text: none of its 2 rows has any in "text", .*"output" \(line 2 has the fields label, id\)\.$/,
    );
    await expect(rowsOf('a.jsonl', '{}', 1, 4)).rejects.toThrow(
      /none of its 1 rows .*\(line 1 has no fields\)/,
    );
    await expect(rowsOf('a.jsonl', '\n\n', 1, 4)).rejects.toThrow(/has no text: it is empty/);
  });

  test('that are broken name the line', async () => {
    const bad = (line: string) => rowsOf('a.jsonl', `{"text":"ok"}\n\n${line}\n`, 1, 100);
    await expect(bad('[1]')).rejects.toThrow(/line 3 has no object/);
    await expect(bad('{"text":')).rejects.toThrow(/line 3 is not valid JSON/);
  });
});

describe('Parquet', () => {
  test('with chats gives the texts as JSON lines do', async () => {
    const file = await fixture('chats.parquet');
    const chats = ['What is 1 and 1?\n\n2\n\nIt is 2.', 'Grüße\n\nHallo!'].join('');
    const shape = { rows: 1, length: chats.length };
    const { ids, passedOver } = await readCalibrationFile(file, byCharacter, shape);
    expect(byCharacter.decode([...ids])).toBe(chats);
    expect(passedOver).toMatchObject({ rows: 2, messages: 1 });
    expect(passedOver?.firstRow).toBe('row 2 has the fields id, messages');
  });

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
  await expect(rowsOf('a.txt', 'a', 1, 4)).rejects.toThrow(/ = 4 are needed\. Give more text\.$/);
  const deaf = { ...byCharacter, encode: () => [] };
  const unknown = readCalibrationFile(source('a.txt', 'abc'), deaf, { rows: 1, length: 4 });
  await expect(unknown).rejects.toThrow(/has 0 tokens, .*Give more text\.$/);
});

test.each(['', ' \n\n\t\n'])('a text file of %j says that it has no text', async (text) => {
  await expect(rowsOf('a.txt', text, 1, 9)).rejects.toThrow(
    /^a\.txt has no text: it is empty, or has nothing/,
  );
});

test('rows name the file that they are from, not its folder', async () => {
  for (const [name, contents] of [
    ['/home/someone/a.txt', 'abc'],
    ['C:\\Users\\someone\\a.jsonl', '{"text":"abc"}'],
  ] as const) {
    const read = await readCalibrationFile(source(name, contents), byCharacter, { rows: 1, length: 3 });
    expect(read.sources).toEqual([name.slice(name.indexOf('a.'))]);
  }
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
