/**
 * `npm start`: makes the machine ready, builds the page when its sources changed, serves it on this computer alone
 * and opens it. `--no-open` only serves it; `--port N` takes that port, if it is free.
 */
import { parseArgs } from 'node:util';
import { ensureReady } from './bootstrap.mjs';
import { buildWhatChanged, PAGE } from './builds.mjs';
import { fail, root, say } from './shell.mjs';

const DEFAULT_PORT = '4173';

async function serve({ port, open }) {
  const { preview } = await import('vite');
  const host = '127.0.0.1';
  const server = await preview({ root, logLevel: 'error', preview: { host, port: Number(port), open } });
  say(`the page is at ${server.resolvedUrls.local[0]} (Ctrl-C ends it)`);
}

try {
  const { values } = parseArgs({
    options: { open: { type: 'boolean', default: true }, port: { type: 'string', default: DEFAULT_PORT } },
    allowNegative: true,
  });
  ensureReady({ tests: false, adapter: 'none' });
  buildWhatChanged([PAGE]);
  await serve(values);
} catch (error) {
  fail(error);
}
