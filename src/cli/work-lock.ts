/** A work directory belongs to one process at a time: two would mix their artefacts. */
import { rmSync } from 'node:fs';
import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isJsonObject } from '../io/json/json.ts';
import { fileError, isMissing } from '../io/platform/node/node-errors.ts';
import { makeFolder } from '../io/platform/node/node-folder.ts';
import { InputError } from '../util/errors.ts';
import { isRunning, markOf, type ProcessMark } from './process-mark.ts';

const LOCK = 'lock.json';
/** How often a process shows that it is alive, to other machines, which cannot look. */
const BEAT_MS = 10_000;
/** One that has not shown it for so long has ended. */
const SILENCE_MS = 6 * BEAT_MS;

interface Holder extends ProcessMark {
  readonly host: string;
}

/**
 * Takes the work directory, which is made where it is not there.
 * @returns gives it back; an empty folder that was made is removed.
 * @throws InputError that names the process that has it.
 */
export async function lockWork(workDir: string): Promise<() => Promise<void>> {
  const path = join(workDir, LOCK);
  const own = JSON.stringify({ ...markOf(process.pid), host: hostname() } satisfies Holder);
  const removeFolder = await orInputError(path, () => makeFolder(workDir));
  try {
    await orInputError(path, () => claim(workDir, path, own));
  } catch (error) {
    await removeFolder();
    throw error;
  }
  const beat = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), BEAT_MS).unref();
  const removeLock = () => rmSync(path, { force: true });
  process.once('exit', removeLock);
  return async () => {
    clearInterval(beat);
    process.off('exit', removeLock);
    await rm(path, { force: true });
    await removeFolder();
  };
}

/** Throws InputError as {@link lockWork} would; takes nothing. */
export async function checkFree(workDir: string): Promise<void> {
  const path = join(workDir, LOCK);
  await orInputError(path, () => staleLock(workDir, path));
}

async function claim(workDir: string, path: string, own: string): Promise<void> {
  for (;;) {
    try {
      await writeFile(path, own, { flag: 'wx' });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const stale = await staleLock(workDir, path);
    if (stale !== undefined) await removeStale(path, stale);
  }
}

/** A lock whose process has ended; undefined: there is none. Throws InputError when it is still running. */
async function staleLock(workDir: string, path: string): Promise<string | undefined> {
  try {
    const text = await readFile(path, 'utf8');
    const holder = parseHolder(text);
    const isHere = holder?.host === hostname();
    const isHeld = isHere ? isRunning(holder) : Date.now() - (await stat(path)).mtimeMs < SILENCE_MS;
    if (isHeld) throw inUse(workDir, path, holder);
    return text;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Of two processes that find the same stale lock one may have taken the directory before the other removes the lock. */
async function removeStale(path: string, stale: string): Promise<void> {
  const aside = `${path}.${process.pid}`;
  try {
    await rename(path, aside);
    if ((await readFile(aside, 'utf8')) === stale) await rm(aside, { force: true });
    else await rename(aside, path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Undefined while it is being written. */
function parseHolder(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) && typeof value['pid'] === 'number' ? (value as unknown as Holder) : undefined;
  } catch {
    return undefined;
  }
}

function inUse(workDir: string, path: string, holder: Holder | undefined): InputError {
  const isHere = holder?.host === hostname();
  const who = holder ? `process ${holder.pid}${isHere ? '' : ` on ${holder.host}`}` : 'another process';
  const otherwise = isHere ? '' : ` If that has ended, delete ${path}.`;
  return new InputError(
    `The work directory ${workDir} is in use by ${who}: let that end first, or take another work directory (--out_dir).${otherwise}`,
  );
}

async function orInputError<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw error instanceof InputError ? error : fileError(error, 'write', path);
  }
}
