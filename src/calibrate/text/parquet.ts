import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetRead,
  parquetSchema,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import type { ByteSource } from '../../io/bytes.ts';
import { InputError } from '../../util/errors.ts';
import { type PassedOver, passRow } from './passed-over.ts';
import { CHAT_FIELDS, type DataRecord, recordText } from './record-text.ts';

/**
 * The rows of a Parquet file as texts, one row group in memory at a time. Where a column holds chats a row is a record
 * as those of JSON lines; else its text is every column's value in the order of the schema, joined by spaces, as
 * ExLlamaV2 does. Empty cells are left out. Throws InputError.
 */
export async function* readParquet(source: ByteSource, passed: PassedOver): AsyncGenerator<string> {
  const file: AsyncBuffer = {
    byteLength: source.size,
    slice: async (start, end = source.size) => (await source.read(start, end)).slice().buffer,
  };
  const metadata = await orInputError(source, () => parquetMetadataAsync(file));
  const columns = parquetSchema(metadata).children;
  const names = columns.map(({ element }) => element.name);
  const hasChats = columns.some(
    ({ element, children }) => CHAT_FIELDS.includes(element.name) && children.length > 0,
  );
  const textOf = (row: unknown[]): string | undefined =>
    hasChats ? recordText(recordOf(names, row), passed) : joinedCells(row);
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    const rows = await orInputError(source, () => readRows(file, metadata, rowStart, rowEnd));
    for (const [i, row] of rows.entries()) {
      const text = textOf(row);
      if (text === undefined) passRow(passed, `row ${rowStart + i + 1}`, names);
      else yield text;
    }
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

const recordOf = (names: readonly string[], row: readonly unknown[]): DataRecord =>
  Object.fromEntries(names.map((name, column) => [name, row[column]]));

/** Undefined when no cell has text. */
function joinedCells(row: readonly unknown[]): string | undefined {
  const cells = row.filter((cell) => cell !== null && cell !== undefined).map(cellText);
  return cells.some((cell) => /\S/.test(cell)) ? cells.join(' ') : undefined;
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
