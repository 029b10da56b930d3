/** `npm run build`: makes the machine ready and builds the page into dist/page, for any path of any host. */
import { ensureReady } from './bootstrap.mjs';
import { buildWhatChanged, PAGE } from './builds.mjs';
import { fail } from './shell.mjs';

try {
  ensureReady({ tests: false, adapter: 'none' });
  buildWhatChanged([PAGE]);
} catch (error) {
  fail(error);
}
