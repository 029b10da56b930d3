/** Runs a program of dist/cli: makes the machine ready and builds what changed first. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureReady } from './bootstrap.mjs';
import { buildWhatChanged, COMMAND_LINE } from './builds.mjs';
import { fail, root } from './shell.mjs';

/**
 * @param {string} file of dist/cli
 * @param {string} script its name in package.json
 * @param {(args: string[]) => 'install' | 'find' | 'none'} neededAdapter by the arguments
 */
export async function runProgram(file, script, neededAdapter) {
  try {
    ensureReady({ tests: false, adapter: neededAdapter(process.argv.slice(2)) });
    buildWhatChanged([COMMAND_LINE]);
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
