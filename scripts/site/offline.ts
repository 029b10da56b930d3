import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';
import type { FileGroup, KeptFiles } from '../../workers/api/kept-files.ts';

const SCRIPT = 'service-worker.js';
/** What the page itself never asks for: pictures for those who link to it. */
const NOT_KEPT = [/^share-card\.png$/, new RegExp(`^${SCRIPT}$`)];

/** Builds the service worker, and tells it which files there are once all of them are. */
export function offlineVisits(): Plugin {
  return {
    name: 'exl2-offline-visits',
    apply: 'build',
    buildStart() {
      this.emitFile({ type: 'chunk', id: 'workers/service-worker.ts', fileName: SCRIPT });
    },
    writeBundle({ dir }) {
      if (dir) tellServiceWorker(dir);
    },
  };
}

/** Puts the list of the files in the built page's `folder` before the script of its service worker. */
export function tellServiceWorker(folder: string): void {
  const script = join(folder, SCRIPT);
  const code = readFileSync(script, 'utf8').replace(/^self\.__KEPT__=.*\n/, '');
  writeFileSync(script, `self.__KEPT__=${JSON.stringify(keptFiles(folder))};\n${code}`);
}

function keptFiles(folder: string): KeptFiles {
  const paths = readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    )
    .filter((path) => !NOT_KEPT.some((pattern) => pattern.test(path)))
    .sort();
  const isModel = (path: string) => path.startsWith('models/');
  return {
    page: fileGroup(
      folder,
      paths.filter((path) => !isModel(path)),
    ),
    models: fileGroup(folder, paths.filter(isModel)),
  };
}

function fileGroup(folder: string, paths: readonly string[]): FileGroup {
  const files = Object.fromEntries(
    // Some hosts send those who ask for index.html to its folder.
    paths.map((path) => [path === 'index.html' ? '' : path, integrityOf(readFileSync(join(folder, path)))]),
  );
  const version = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16);
  return { version, files };
}

const integrityOf = (data: Buffer): string => `sha256-${createHash('sha256').update(data).digest('base64')}`;
