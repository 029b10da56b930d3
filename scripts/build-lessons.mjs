/**
 * `npm run build:lessons`: converts the bundled model to the bitrates that the page's lessons show, and writes what they
 * show of it into public/lessons. To be run again when the quantizer has changed.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureReady } from './bootstrap.mjs';
import { buildWhatChanged, COMMAND_LINE } from './builds.mjs';
import { fail, root, runNode, SetupError } from './shell.mjs';

const MODEL = 'public/models/tinystories-7m';
const BITS = [2.5, 3, 4, 6];
/** More than the quick preset's, so that the errors of candidates are not those of a few sentences. */
const MEASUREMENT = { rows: 8, length: 128 };
const WORK = 'out/lessons';

function program(file, ...args) {
  if (!runNode(join(root, 'dist/cli', file), args)) throw new SetupError(`${file} failed: see above.`);
}

try {
  ensureReady({ tests: false, adapter: 'install', chromium: false });
  buildWhatChanged([COMMAND_LINE]);
  rmSync(join(root, WORK), { recursive: true, force: true });
  mkdirSync(join(root, WORK), { recursive: true });
  const { rows, length } = MEASUREMENT;
  const measurement = join(WORK, 'measurement.json');
  const preset = ['-i', MODEL, '--preset', 'quick', '-mr', String(rows), '-ml', String(length)];
  program('main.js', ...preset, '-om', measurement);
  const outputs = BITS.map((bits) => join(WORK, String(bits)));
  for (const [i, bits] of BITS.entries())
    program('main.js', ...preset, '-m', measurement, '-b', String(bits), '-cf', outputs[i]);
  const models = outputs.flatMap((output) => ['--model', output]);
  const measured = ['--measurement', measurement, '--tokens', String(rows * length)];
  program('lessons.js', '--ref', MODEL, ...models, ...measured, '--out', 'public/lessons');
} catch (error) {
  fail(error);
}
