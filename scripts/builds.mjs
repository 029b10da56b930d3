/** What is built, from what, and how; built again when a source is newer. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root, runNode, SetupError, say } from './shell.mjs';

const vite = (...args) => ['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn', ...args];

const CODE = ['src', 'shaders', 'package-lock.json', 'vite.config.ts', 'scripts/site'];

export const COMMAND_LINE = {
  what: 'the command line',
  result: 'dist/cli/main.js',
  sources: CODE,
  command: vite('--mode', 'cli'),
};

export const PAGE = {
  what: 'the page',
  result: 'dist/page/index.html',
  sources: [...CODE, 'workers', 'index.html', 'public', 'data'],
  command: vite(),
};

/** Time of the newest file at or below `path`, 0 when there is none. */
function newest(path) {
  if (!existsSync(path)) return 0;
  const status = statSync(path);
  if (!status.isDirectory()) return status.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

/** In this order. Throws SetupError when one fails. */
export function buildWhatChanged(builds) {
  for (const { what, result, sources, command } of builds) {
    if (newest(join(root, result)) > Math.max(...sources.map((path) => newest(join(root, path))))) continue;
    say(`building ${what} …`);
    if (!runNode(join(root, command[0]), command.slice(1))) {
      throw new SetupError(`Building ${what} failed: see above.`);
    }
  }
}
