/** `npm test`: makes the machine ready, then runs every check; all of them, even when one fails. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureReady } from './bootstrap.mjs';
import { fail, root } from './shell.mjs';

const CHECKS = [
  ['format and lint', '@biomejs/biome/bin/biome', 'ci', '--error-on-warnings'],
  ['types of the core', 'typescript/bin/tsc', '-p', 'tsconfig.core.json'],
  ['types of Node code', 'typescript/bin/tsc', '-p', 'tsconfig.node.json'],
  ['types of the page', 'typescript/bin/tsc', '-p', 'tsconfig.app.json'],
  ['types of tests of the page', 'typescript/bin/tsc', '-p', 'tsconfig.page-tests.json'],
  ['import rules', 'dependency-cruiser/bin/dependency-cruise.mjs', '{src,workers}/**/*.{ts,tsx}'],
  ['tests', 'vitest/vitest.mjs', 'run', '--exclude', 'test/e2e/**'],
  // One file at a time: browsers and conversions take both cores, and a page's tasks are measured.
  ['end-to-end tests', 'vitest/vitest.mjs', 'run', 'test/e2e', '--maxWorkers', '1'],
];

function runCheck([name, program, ...args]) {
  console.log(`\n--- ${name}`);
  const started = performance.now();
  const command = [join(root, 'node_modules', program), ...args];
  const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit' });
  return { name, passed: status === 0, seconds: (performance.now() - started) / 1000 };
}

try {
  ensureReady({ tests: true, adapter: 'install', chromium: true });
  const results = CHECKS.map(runCheck);
  console.log();
  for (const { name, passed, seconds } of results) {
    console.log(`${passed ? 'passed' : 'FAILED'}  ${name} (${seconds.toFixed(1)} s)`);
  }
  const failed = results.filter(({ passed }) => !passed).length;
  console.log(`${results.length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
} catch (error) {
  fail(error);
}
