import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { SpeedStore } from '../autotune/kept-speeds.ts';
import { isJsonObject } from '../io/json/json.ts';

/** Where programs keep what can be made again, on this system. */
export function cacheFolder(
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string | undefined>>,
  home: string,
): string {
  if (platform === 'win32') return join(env['LOCALAPPDATA'] || join(home, 'AppData', 'Local'), 'exl2-web');
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'exl2-web');
  return join(env['XDG_CACHE_HOME'] || join(home, '.cache'), 'exl2-web');
}

/** The file of measured speeds in the user's cache folder. */
export const defaultSpeedFile = (): string =>
  join(cacheFolder(process.platform, process.env, homedir()), 'speeds.json');

/** Keeps speeds in a JSON file; one that cannot be read or written is as good as none. */
export function speedFile(path = defaultSpeedFile()): SpeedStore {
  return {
    read: async (key) => (await entries(path))[key],
    async write(key, value) {
      try {
        await mkdir(dirname(path), { recursive: true });
        // Several processes may write at once: each replaces the file by a whole one.
        const partial = `${path}.${process.pid}.partial`;
        await writeFile(partial, JSON.stringify({ ...(await entries(path)), [key]: value }, undefined, 2));
        await rename(partial, path);
      } catch {
        // Measured again at the next start.
      }
    },
  };
}

async function entries(path: string): Promise<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}
