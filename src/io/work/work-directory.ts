import type { HostTensor } from '../../tensor/dtype.ts';
import type { ByteSource, FileEntry, WritableDirectory } from '../bytes.ts';
import { isJsonObject, readJsonFile } from '../json/json.ts';
import { listIfThere } from '../list-if-there.ts';
import { openSafetensors, type SafetensorsFile } from '../safetensors/reader.ts';
import { planShard, writeSafetensors } from '../safetensors/writer.ts';
import { writeJsonFile } from '../write-file.ts';
import { addFile, type Checksum, startChecksum } from './checksum.ts';

/** Ending of the file beside an artefact that tells whether it is whole, and of which job it is. */
const RECORD = '.checksum';

/** The file beside the artefact `path`. */
export const recordOf = (path: string): string => path + RECORD;

/** The artefact that a file is the record of; undefined when it is none. */
export const recordedPath = (path: string): string | undefined =>
  path.endsWith(RECORD) ? path.slice(0, -RECORD.length) : undefined;

/**
 * What an artefact is found to be. `unknown`: no record is beside it, so nothing says that it is an artefact.
 * `damaged`: it is not what was written under this name, or was not written to the end.
 */
export type ArtefactState =
  | { readonly kind: 'missing' | 'unknown' | 'damaged' }
  | { readonly kind: 'whole'; readonly job: string };

/**
 * A job's artefacts. Each appears whole or not at all, and has a checksum beside it that is looked at before it is
 * read: what is there is done and as it was written. What is damaged counts as missing, so it is made again.
 */
export interface WorkDirectory {
  /** For messages. */
  readonly name: string;
  /** All files in it, also those that are not a job's; none where the folder is not there yet. */
  list(): Promise<FileEntry[]>;
  /**
   * Whose the artefacts are: from now on those that are written belong to this job, and those of another one count as
   * missing, but for the job `from`, which this one goes on from. Before that they are read whosever they are.
   */
  bind(job: string, from?: string): void;
  /** Reads all of the file, and of its record. */
  inspect(path: string): Promise<ArtefactState>;
  writeJson(path: string, value: unknown): Promise<void>;
  /** What `writeJson` wrote; undefined when it is not there or damaged. */
  readJson<T>(path: string): Promise<T | undefined>;
  writeTensors(
    path: string,
    tensors: readonly HostTensor[],
    metadata?: Readonly<Record<string, string>>,
  ): Promise<void>;
  /** What `writeTensors` wrote; undefined when it is not there or damaged. */
  openTensors(path: string): Promise<SafetensorsFile | undefined>;
  /** No error when it is not there. */
  remove(path: string): Promise<void>;
}

/** @param onDamaged called with the path of each artefact that is not read because it is damaged or another job's. */
export function workDirectory(
  directory: WritableDirectory,
  onDamaged: (path: string) => void = () => {},
): WorkDirectory {
  let boundTo: string | undefined;
  let readable: readonly (string | undefined)[] | undefined;
  const told = new Set<string>();

  /** The file, if it is whole and of this job. */
  const openWhole = async (path: string): Promise<ByteSource | undefined> => {
    const source = await directory.open(path);
    const state = await stateOf(directory, path, source);
    if (state.kind === 'whole' && (!readable || readable.includes(state.job))) return source;
    if (state.kind !== 'missing' && !told.has(path)) {
      told.add(path);
      onDamaged(path);
    }
    return undefined;
  };

  /**
   * Writes a file's record, then the file: whatever stops this in between, the record does not fit what is there.
   * @param fill writes the file, twice; first only for its checksum.
   */
  const write = async (path: string, fill: (to: Pick<WritableDirectory, 'create'>) => Promise<void>) => {
    const job = boundTo ?? '';
    const checksum = await beginChecksum(path, job);
    await fill({ create: async () => summingSink(checksum) });
    await writeJsonFile(directory, recordOf(path), { job, xxh64: checksum.end() } satisfies ArtefactRecord);
    await fill(directory);
    told.delete(path);
  };

  return {
    name: directory.name,
    list: () => listIfThere(directory),
    bind(job, from) {
      boundTo = job;
      readable = [job, from];
    },
    inspect: async (path) => stateOf(directory, path, await directory.open(path)),
    writeJson: (path, value) => write(path, (to) => writeJsonFile(to, path, value)),
    async readJson<T>(path: string) {
      const source = await openWhole(path);
      return source && ((await readJsonFile(source)) as T);
    },
    async writeTensors(path, tensors, metadata) {
      const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
      const shard = planShard(path, tensors);
      await write(path, (to) => writeSafetensors(to, shard, (name) => byName.get(name)!, metadata));
    },
    async openTensors(path) {
      const source = await openWhole(path);
      return source && openSafetensors(source);
    },
    async remove(path) {
      await directory.remove(path);
      await directory.remove(recordOf(path));
    },
  };
}

/** Reads all of an artefact's file, and of its record. */
async function stateOf(
  directory: WritableDirectory,
  path: string,
  source: ByteSource | undefined,
): Promise<ArtefactState> {
  if (!source) return { kind: 'missing' };
  const recordSource = await directory.open(recordOf(path));
  if (!recordSource) return { kind: 'unknown' };
  const record = await readRecord(recordSource);
  if (!record) return { kind: 'damaged' };
  const checksum = await beginChecksum(path, record.job);
  await addFile(checksum, source);
  return checksum.end() === record.xxh64 ? { kind: 'whole', job: record.job } : { kind: 'damaged' };
}

interface ArtefactRecord {
  readonly job: string;
  readonly xxh64: string;
}

/** Also covers where the file is and whose, so that one in another's place is found. */
async function beginChecksum(path: string, job: string): Promise<Checksum> {
  const checksum = await startChecksum();
  checksum.add(new TextEncoder().encode(JSON.stringify([path, job])));
  return checksum;
}

const summingSink = (checksum: Checksum) => ({
  write: async (bytes: Uint8Array) => checksum.add(bytes),
  close: async () => {},
  abort: async () => {},
});

/** Undefined when it is damaged. */
async function readRecord(source: ByteSource): Promise<ArtefactRecord | undefined> {
  const text = new TextDecoder().decode(await source.read(0, Math.min(source.size, MAX_RECORD_BYTES)));
  try {
    const value: unknown = JSON.parse(text);
    const { job, xxh64 }: Record<string, unknown> = isJsonObject(value) ? value : {};
    return typeof job === 'string' && typeof xxh64 === 'string' ? { job, xxh64 } : undefined;
  } catch {
    return undefined;
  }
}

const MAX_RECORD_BYTES = 4096;
