/**
 * The safetensors header: u64 length N (little-endian), then N bytes of JSON that name dtype, shape and data range
 * of each tensor, then the data. Nothing in a file is believed before it is checked.
 */
import { DTYPES, type DType, type TensorInfo } from '../../tensor/dtype.ts';

import { InputError } from '../../util/errors.ts';
import { plainText } from '../../util/text/plain-text.ts';
import type { ByteSource } from '../bytes.ts';
import { readChunked } from '../chunks.ts';
import { decodeUtf8, duplicateKey, isJsonObject, parseJson, valueCount } from '../json/json.ts';
import { firstBytesOf, mistakenFile } from '../model/mistaken-files.ts';

/** Bytes of the length in front of the header. */
export const LENGTH_BYTES = 8;
/**
 * Room for 200,000 tensors in one file, where the reference library allows 100 MB. DeepSeek-V3 has 91,000 in 163 files,
 * whose headers have less than 1 MB each; what comes of parsing takes some ten times the header's bytes.
 */
export const MAX_HEADER_BYTES = 25e6;
/** A tensor has about eight, with its lists and their elements. Empty ones would take memory as none of a tensor's do. */
const MAX_VALUES = 2.5e6;
/** The header's own key for free text. */
export const METADATA_KEY = '__metadata__';
/** Objects in a header nest no deeper: the header itself and one per tensor. */
const HEADER_DEPTH = 2;
/** Names are cut to this in messages: a hostile one can be megabytes long. */
const MAX_SHOWN = 120;

/** A tensor and its bytes [begin, end) in the file. */
export interface TensorEntry extends TensorInfo {
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In the order of their data. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** The dtypes of tensors that cannot be read, as they are not known here, by name. */
  readonly unreadable: ReadonlyMap<string, string>;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Reads and checks the header.
 *
 * @throws InputError (damaged or not a safetensors file), which says which file and tensor, and what was expected.
 */
export async function readHeader(source: ByteSource): Promise<SafetensorsHeader> {
  const dataStart = LENGTH_BYTES + (await readLength(source));
  const bytes = await readChunked(source, LENGTH_BYTES, dataStart);
  const where = `the header of ${source.name}`;
  if (bytes[0] !== 0x7b)
    throw new InputError(`${where} does not start with '{': this is no safetensors file.`);
  const values = valueCount(bytes);
  if (values > MAX_VALUES) {
    throw new InputError(
      `${where} has ${values} values; at most ${MAX_VALUES} are read, enough for 300,000 tensors: this is no file of a ` +
        'model, or it is damaged.',
    );
  }
  const text = decodeUtf8(bytes, where);
  const header = parseJson(text, where) as Record<string, unknown>;
  const duplicate = duplicateKey(text, HEADER_DEPTH);
  if (duplicate !== undefined) throw new InputError(`${where} has the key ${show(duplicate)} twice.`);

  const entries: StoredEntry[] = [];
  // Of so many, pairs would take as long as parsing.
  for (const name of Object.keys(header)) {
    if (name !== METADATA_KEY) entries.push(parseEntry(name, header[name], dataStart, source.name));
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkLayout(entries, dataStart, source);
  const unreadable = entries.filter(({ dtype }) => !isDType(dtype));
  return {
    tensors: new Map(entries.filter(isReadable).map((entry) => [entry.name, entry])),
    unreadable: new Map(unreadable.map(({ name, dtype }) => [name, dtype])),
    metadata: parseMetadata(header[METADATA_KEY], where),
  };
}

async function readLength(source: ByteSource): Promise<number> {
  const { name, size } = source;
  const first = await firstBytesOf(source);
  const length = size < LENGTH_BYTES ? 0 : Number(new DataView(first.buffer).getBigUint64(0, true));
  const missing = LENGTH_BYTES + length - size;
  if (length <= MAX_HEADER_BYTES && missing <= 0) return length;

  const mistaken = mistakenFile(first);
  if (mistaken) throw new InputError(`${name} ${mistaken}`);
  if (size < LENGTH_BYTES) {
    throw new InputError(
      `${name} has ${size} bytes; a safetensors file has more than ${LENGTH_BYTES}: get it again.`,
    );
  }
  if (length > MAX_HEADER_BYTES) {
    throw new InputError(
      `${name} starts with a header length of ${length} bytes; at most ${MAX_HEADER_BYTES} are read, enough for ` +
        '200,000 tensors: this is no safetensors file, or it is damaged. A larger model is saved in several files.',
    );
  }
  throw new InputError(
    `${name} is truncated: its header has ${length} bytes, and ${missing} of them are missing. Get the file again.`,
  );
}

function parseMetadata(value: unknown, where: string): ReadonlyMap<string, string> {
  if (value === undefined || value === null) return new Map();
  if (!isJsonObject(value)) throw new InputError(`${where}: ${METADATA_KEY} is not an object of strings.`);
  const metadata = new Map<string, string>();
  for (const key of Object.keys(value)) {
    const text = value[key];
    if (typeof text !== 'string')
      throw new InputError(`${where}: ${METADATA_KEY} ${show(key)} is not a string.`);
    metadata.set(key, text);
  }
  return metadata;
}

/** A tensor of any dtype. */
interface StoredEntry extends Omit<TensorEntry, 'dtype'> {
  readonly dtype: string;
}

const isReadable = (entry: StoredEntry): entry is TensorEntry => isDType(entry.dtype);

function parseEntry(name: string, value: unknown, dataStart: number, file: string): StoredEntry {
  const where = `tensor ${show(name)} in ${file}`;
  if (!isJsonObject(value)) throw new InputError(`${where}: its entry is not an object.`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string') throw new InputError(`${where} has no dtype.`);
  if (!isSizeList(shape)) {
    throw new InputError(
      `${where} has shape ${show(shape)}; expected a list of whole numbers from 0 to 2^53 - 1.`,
    );
  }
  if (!isSizeList(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    throw new InputError(`${where} has data_offsets ${show(offsets)}; expected [begin, end].`);
  }
  const [begin, end] = offsets as [number, number];
  const elementBytes = isDType(dtype) ? DTYPES[dtype].bytes : 1;
  const bytes = shape.reduce((product, size) => safeProduct(product, size, where), elementBytes);
  if (isDType(dtype) && end - begin !== bytes) {
    throw new InputError(
      `${where}: ${dtype} ${show(shape)} takes ${bytes} bytes, but its data_offsets ${show(offsets)} ` +
        `hold ${end - begin}. The file is damaged.`,
    );
  }
  return { name, dtype, shape, begin: dataStart + begin, end: dataStart + end };
}

/** Data must cover the rest of the file once: no overlap, no gap, nothing missing, nothing left over. */
function checkLayout(entries: readonly StoredEntry[], dataStart: number, source: ByteSource): void {
  let covered = dataStart;
  let previous = 'the header';
  for (const { name, begin, end } of entries) {
    if (begin !== covered) {
      const fault = begin < covered ? `overlap by ${covered - begin}` : `leave a gap of ${begin - covered}`;
      throw new InputError(
        `${previous} and tensor ${show(name)} ${fault} bytes in ${source.name}: the file is damaged.`,
      );
    }
    covered = end;
    previous = `tensor ${show(name)}`;
  }
  if (covered > source.size) {
    throw new InputError(
      `${source.name} is truncated: it has ${source.size} bytes of ${covered}, so ${covered - source.size} are ` +
        'missing. Get the file again.',
    );
  }
  if (covered < source.size) {
    throw new InputError(
      `${source.name} has ${source.size - covered} bytes after its last tensor: the file is damaged. Get it again.`,
    );
  }
}

const isDType = (name: string): name is DType => Object.hasOwn(DTYPES, name);

const isSizeList = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);

function safeProduct(a: number, b: number, where: string): number {
  if (!Number.isSafeInteger(a * b)) throw new InputError(`${where}: its shape holds more than 2^53 bytes.`);
  return a * b;
}

/** A value of the file as it stands in messages: escaped and of bounded length. */
const show = (value: unknown): string => plainText(jsonText(value), MAX_SHOWN);

function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'missing';
  } catch (error) {
    // JSON.parse takes any nesting; JSON.stringify runs out of stack.
    if (error instanceof RangeError) return 'nested too deeply to show';
    throw error;
  }
}
