/** `npm test`: makes the machine ready, then runs every check. */
import { ensureReady } from './bootstrap.mjs';
import { runChecks, STATIC_CHECKS } from './checks.mjs';
import { fail } from './shell.mjs';

try {
  ensureReady({ tests: true, adapter: 'install' });
  runChecks([
    ...Object.values(STATIC_CHECKS).flat(),
    ['tests', 'vitest/vitest.mjs', 'run', '--exclude', 'test/e2e/**'],
    // One file at a time: browsers and conversions take both cores, and a page's tasks are measured.
    ['end-to-end tests', 'vitest/vitest.mjs', 'run', 'test/e2e', '--maxWorkers', '1'],
  ]);
} catch (error) {
  fail(error);
}
