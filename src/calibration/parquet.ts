import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetRead } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import type { ByteSource } from '../io/bytes.ts';
import { InputError } from '../util/errors.ts';

/**
 * The rows of a Parquet file as texts, one row group in memory at a time: every column's value in the order of
 * the schema, joined by spaces, as ExLlamaV2 does. Empty cells are left out. Throws InputError.
 */
export async function* readParquet(source: ByteSource): AsyncGenerator<string> {
  const file: AsyncBuffer = {
    byteLength: source.size,
    slice: async (start, end = source.size) => (await source.read(start, end)).slice().buffer,
  };
  const metadata = await orInputError(source, () => parquetMetadataAsync(file));
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    const rows = await orInputError(source, () => readRows(file, metadata, rowStart, rowEnd));
    for (const row of rows)
      yield row
        .filter((cell) => cell !== null && cell !== undefined)
        .map(cellText)
        .join(' ');
    rowStart = rowEnd;
  }
}

async function readRows(
  file: AsyncBuffer,
  metadata: FileMetaData,
  rowStart: number,
  rowEnd: number,
): Promise<unknown[][]> {
  let rows: unknown[][] = [];
  const onComplete = (complete: unknown[][]): void => {
    rows = complete;
  };
  await parquetRead({ file, metadata, compressors, rowStart, rowEnd, onComplete });
  return rows;
}

/** Strings and numbers as they are; lists and records as JSON. */
function cellText(cell: unknown): string {
  if (typeof cell !== 'object') return String(cell);
  return JSON.stringify(cell, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}

async function orInputError<T>(source: ByteSource, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(
      `${source.name} could not be read as Parquet: ${(error as Error).message}. Is the file whole?`,
    );
  }
}
