/** What `npm run check` and `npm test` run. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './shell.mjs';

/** What is checked without running the program, by what is looked at: name, program and arguments of each check. */
export const STATIC_CHECKS = {
  lint: [['format and lint', '@biomejs/biome/bin/biome', 'ci', '--error-on-warnings']],
  types: [
    ['types of the core', 'typescript/bin/tsc', '-p', 'tsconfig.core.json'],
    ['types of Node code', 'typescript/bin/tsc', '-p', 'tsconfig.node.json'],
    ['types of the page', 'typescript/bin/tsc', '-p', 'tsconfig.app.json'],
    ['types of tests of the page', 'typescript/bin/tsc', '-p', 'tsconfig.page-tests.json'],
  ],
  imports: [['import rules', 'dependency-cruiser/bin/dependency-cruise.mjs', '{src,workers}/**/*.{ts,tsx}']],
};

/** Runs all of them, even when one fails; the process's exit code says whether any did. */
export function runChecks(checks) {
  const results = checks.map(runCheck);
  console.log();
  for (const { name, passed, seconds } of results) {
    console.log(`${passed ? 'passed' : 'FAILED'}  ${name} (${seconds.toFixed(1)} s)`);
  }
  const failed = results.filter(({ passed }) => !passed).length;
  console.log(`${results.length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

function runCheck([name, program, ...args]) {
  console.log(`\n--- ${name}`);
  const started = performance.now();
  const command = [join(root, 'node_modules', program), ...args];
  const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit' });
  return { name, passed: status === 0, seconds: (performance.now() - started) / 1000 };
}
