/** What the scripts share: where the repository is, how they speak, how they run programs. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The repository, as an absolute path. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** Something is missing on this machine and could not be installed; the message says what to do. */
export class SetupError extends Error {}

/** One line about what is being done; on stderr, so that stdout stays with the program that follows. */
export function say(message) {
  process.stderr.write(`exl2-web: ${message}\n`);
}

/** Runs a program in the repository with all its output on stderr; true when it succeeded. */
export function run(command, args, { env = process.env, shell = false } = {}) {
  return spawnSync(command, args, { cwd: root, env, shell, stdio: ['ignore', 2, 2] }).status === 0;
}

/** Runs a file of this Node, e.g. the main file of a package. */
export function runNode(file, args, options = {}) {
  return run(process.execPath, [file, ...args], options);
}

/** True when the program runs and succeeds; its output goes nowhere. */
export function works(command, args, { env = process.env, timeout = 60_000 } = {}) {
  return spawnSync(command, args, { cwd: root, env, timeout, stdio: 'ignore' }).status === 0;
}

/** Ends a script: the message of a SetupError alone, anything else (a bug) with its stack. */
export function fail(error) {
  process.stderr.write(`exl2-web: ${error instanceof SetupError ? error.message : error?.stack}\n`);
  process.exitCode = 1;
}
