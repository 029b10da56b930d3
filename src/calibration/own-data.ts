import type { ByteSource } from '../io/bytes.ts';
import { refusePointer } from '../io/mistaken-files.ts';
import { openSafetensors } from '../io/safetensors/reader.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { InputError } from '../util/errors.ts';
import { ROWS_TENSOR, rowsFromTensor } from './artefact.ts';
import { readJsonLines } from './jsonl.ts';
import { readParquet } from './parquet.ts';
import { type CalibrationRows, cutRows, type RowShape } from './rows.ts';
import { readText } from './text-file.ts';

const TEXT_READERS: Readonly<Record<string, (source: ByteSource) => AsyncIterable<string>>> = {
  '.parquet': readParquet,
  '.txt': readText,
  '.jsonl': readJsonLines,
};

/**
 * Calibration rows from the user's file, by its extension: `.parquet`, `.txt`, `.jsonl` (tokenized, concatenated
 * and cut into rows × length) or `.safetensors` (the first rows, and of each its first `length` tokens).
 * Reads no further than needed. Throws InputError when the file is broken or too short.
 */
export async function readCalibrationFile(
  source: ByteSource,
  tokenizer: Tokenizer,
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
  return cutRows(source.name, readPieces(source), tokenizer.encode, shape);
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
