/** Runs a program of dist/cli: makes the machine ready and builds what changed first. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureReady } from './bootstrap.mjs';
import { fail, root, runNode, SetupError, say } from './shell.mjs';

/** What is built, from what, and how. */
const BUILDS = [
  {
    what: 'the calibration data',
    result: 'dist/calibration/mix.json',
    sources: ['scripts/build-calibration.mjs', 'scripts/calibration-text.mjs', 'package-lock.json'],
    command: ['scripts/build-calibration.mjs'],
  },
  {
    what: 'the command line',
    result: 'dist/cli/main.js',
    sources: ['src', 'shaders', 'package-lock.json', 'vite.config.ts'],
    command: ['node_modules/vite/bin/vite.js', 'build', '--mode', 'cli', '--logLevel', 'warn'],
  },
];

/** Time of the newest file at or below `path`, 0 when there is none. */
function newest(path) {
  if (!existsSync(path)) return 0;
  const status = statSync(path);
  if (!status.isDirectory()) return status.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function buildWhatChanged() {
  for (const { what, result, sources, command } of BUILDS) {
    if (newest(join(root, result)) > Math.max(...sources.map((path) => newest(join(root, path))))) continue;
    say(`building ${what} …`);
    if (!runNode(join(root, command[0]), command.slice(1))) {
      throw new SetupError(`Building ${what} failed: see above.`);
    }
  }
}

/**
 * @param {string} file of dist/cli
 * @param {string} script its name in package.json
 * @param {(args: string[]) => 'install' | 'find' | 'none'} neededAdapter by the arguments
 */
export async function runProgram(file, script, neededAdapter) {
  try {
    ensureReady({ tests: false, adapter: neededAdapter(process.argv.slice(2)), chromium: false });
    buildWhatChanged();
    // npm starts scripts in the repository; the user's relative paths start where npm was called.
    if (process.env.npm_lifecycle_event === script) process.chdir(process.env.INIT_CWD);
    // In this process, so that signals and the exit code need no passing on.
    await import(pathToFileURL(join(root, 'dist/cli', file)).href);
  } catch (error) {
    fail(error);
  }
}

/** Whether any of these options is among the arguments. */
export const isGiven = (args, ...names) => names.some((name) => args.includes(name));
