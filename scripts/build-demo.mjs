/**
 * `npm run build:demo`: records a conversion of the bundled model for the page's demo, with the command line, and
 * writes it to data/demo.json.
 */
import { join } from 'node:path';
import { ensureReady } from './bootstrap.mjs';
import { buildWhatChanged, COMMAND_LINE } from './builds.mjs';
import { fail, root } from './shell.mjs';

const MOST_BYTES = 150_000;

try {
  ensureReady({ tests: false, adapter: 'install', chromium: false });
  buildWhatChanged([COMMAND_LINE]);
  const { record } = await import('./demo/record.mjs');
  const { compact } = await import('./demo/compact.mjs');
  const folder = join(root, 'work/demo');
  await record(folder);
  const bytes = await compact(folder, join(root, 'data/demo.json'));
  if (bytes > MOST_BYTES)
    throw new Error(`The recording has ${bytes} bytes; the page should load ${MOST_BYTES} at most.`);
  console.log(`data/demo.json: ${bytes} bytes`);
} catch (error) {
  fail(error);
}
