import type { ByteSource } from '../../io/bytes.ts';
import { refusePointer } from '../../io/model/mistaken-files.ts';
import { openSafetensors } from '../../io/safetensors/reader.ts';
import type { TokenEncoder } from '../../tokenizer/tokenizer.ts';
import { InputError } from '../../util/errors.ts';
import { shortName } from '../../util/text/short-name.ts';
import { type CalibrationRows, cutRows, type RowShape } from '../rows.ts';
import { ROWS_TENSOR, rowsFromTensor } from '../rows-artefact.ts';
import { readJsonLines } from './jsonl.ts';
import { noText, nothingPassedOver, type PassedOver } from './passed-over.ts';
import { KNOWN_FIELDS } from './record-text.ts';
import { readText } from './text-file.ts';

type TextReader = (source: ByteSource, passed: PassedOver) => AsyncIterable<string>;

const TEXT_READERS: Readonly<Record<string, TextReader>> = {
  // Comes with decompressors, and compiles some as it is loaded: only for those who have such a file.
  '.parquet': async function* (source, passed) {
    const { readParquet } = await import('./parquet.ts');
    yield* readParquet(source, passed);
  },
  '.txt': readText,
  '.jsonl': readJsonLines,
};

/**
 * Calibration rows from the user's file, by its extension: `.parquet`, `.txt`, `.jsonl` (tokenized, concatenated
 * and cut into rows × length) or `.safetensors` (the first rows, and of each its first `length` tokens).
 * Reads no further than needed, and passes over what has no text. Throws InputError when the file is broken, too short
 * or without any text.
 */
export async function readCalibrationFile(
  source: ByteSource,
  tokenizer: TokenEncoder,
  shape: RowShape,
): Promise<CalibrationRows> {
  const read = await readRows(source, tokenizer, shape);
  return { ...read, sources: new Array<string>(read.rows).fill(shortName(source.name)) };
}

async function readRows(
  source: ByteSource,
  tokenizer: TokenEncoder,
  shape: RowShape,
): Promise<CalibrationRows> {
  await refusePointer(source);
  const extension = /\.[^./\\]*$/.exec(source.name.toLowerCase())?.[0] ?? '';
  if (extension === '.safetensors') return readTokenRows(source, tokenizer.vocabSize, shape);
  const readPieces = Object.hasOwn(TEXT_READERS, extension) ? TEXT_READERS[extension] : undefined;
  if (!readPieces) {
    throw new InputError(
      `${source.name}: calibration data with extension "${extension}" cannot be read; use ${Object.keys(TEXT_READERS).join(', ')} or .safetensors.`,
    );
  }
  const passed = nothingPassedOver();
  const place = extension === '.jsonl' ? KNOWN_FIELDS : undefined;
  const pieces = withText(readPieces(source, passed), () => noText(source.name, passed, place));
  return { ...(await cutRows(source.name, pieces, tokenizer.encode, shape)), passedOver: passed };
}

/** Throws the error when all pieces together have no text. */
async function* withText(pieces: AsyncIterable<string>, error: () => InputError): AsyncGenerator<string> {
  let hasText = false;
  for await (const piece of pieces) {
    hasText ||= /\S/.test(piece);
    yield piece;
  }
  if (!hasText) throw error();
}

async function readTokenRows(
  source: ByteSource,
  vocabSize: number,
  { rows, length }: RowShape,
): Promise<CalibrationRows> {
  const file = await openSafetensors(source);
  if (!file.tensors.has(ROWS_TENSOR)) {
    throw new InputError(
      `${source.name} has no tensor ${ROWS_TENSOR} (it has ${[...file.tensors.keys()].slice(0, 5).join(', ') || 'none'}); token rows are stored under that name.`,
    );
  }
  const all = rowsFromTensor(await file.read(ROWS_TENSOR), source.name, vocabSize);
  if (all.rows < rows || all.length < length) {
    throw new InputError(
      `${source.name} has ${all.rows} rows of ${all.length} tokens; ${rows} rows of ${length} are asked for. Ask for no more (--dataset_rows, --length; for the measurement --measurement_rows, --measurement_length).`,
    );
  }
  const ids = new Int32Array(rows * length);
  for (let r = 0; r < rows; r++) {
    ids.set(all.ids.subarray(r * all.length, r * all.length + length), r * length);
  }
  return { rows, length, ids, sources: all.sources.slice(0, rows) };
}
