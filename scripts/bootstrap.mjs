/**
 * Makes a fresh machine ready: the npm packages, and where there is no GPU driver, a WebGPU adapter in software.
 * Plain Node without dependencies, since it runs before `npm ci`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureAdapter, ensureBrowser, ensureFirefox } from './adapter.mjs';
import { root, run, runNode, SetupError, say } from './shell.mjs';

const OLDEST_NODE = [20, 19];

/**
 * Installs what is missing, and sets this process's environment so that it is found. Throws SetupError when it can't.
 * @param {{tests: boolean, adapter: 'install' | 'find' | 'none'}} need the packages and browsers for tests too; a
 *   WebGPU adapter, installed where there is none or only looked for
 */
export function ensureReady({ tests, adapter }) {
  ensureNode(process.versions.node);
  ensurePackages(tests);
  if (adapter !== 'none') ensureAdapter({ install: adapter === 'install' });
  if (tests) {
    ensureBrowser();
    ensureFirefox();
  }
}

/** Throws when `version` (as in process.versions.node) is too old. */
export function ensureNode(version) {
  const [major, minor] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new SetupError(
    `Node ${version} is too old: ${OLDEST_NODE.join('.')} or newer is needed (https://nodejs.org).`,
  );
}

/**
 * True when `directory`/node_modules is not what package-lock.json asks for. npm keeps its own copy of the lock
 * file inside; comparing the two says more than comparing their dates, which a checkout changes.
 * @param {boolean} tests whether packages that only tests need must be there; they may be in any case
 */
export function packagesAreStale(directory, tests) {
  const wanted = readPackages(join(directory, 'package-lock.json'));
  const installed = readInstalled(directory);
  if (wanted === undefined) throw new SetupError(`${join(directory, 'package-lock.json')} is missing.`);
  if (installed === undefined) return true;
  const isWanted = ([path, { version }]) => wanted[path]?.version === version;
  // Packages for other systems are optional and stay away.
  const isThere = ([path, entry]) =>
    path === '' ||
    entry.optional ||
    entry.devOptional ||
    (entry.dev && !tests) ||
    installed[path] !== undefined;
  return !Object.entries(installed).every(isWanted) || !Object.entries(wanted).every(isThere);
}

function readPackages(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : undefined;
}

const readInstalled = (directory) => readPackages(join(directory, 'node_modules', '.package-lock.json'));

function ensurePackages(tests) {
  if (!packagesAreStale(root, tests)) return;
  // Whoever has run the tests here keeps what they need.
  const withTests = tests || Object.values(readInstalled(root) ?? {}).some(({ dev }) => dev);
  say(
    `installing the npm packages of package-lock.json${withTests ? ', with those for tests' : ''} (npm ci) …`,
  );
  const env = { ...process.env, PUPPETEER_SKIP_DOWNLOAD: '1' };
  const args = [
    'ci',
    withTests ? '--include=dev' : '--omit=dev',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  const npm = process.env.npm_execpath ?? '';
  const done = npm.endsWith('npm-cli.js')
    ? runNode(npm, args, { env })
    : run('npm', args, { env, shell: process.platform === 'win32' });
  if (!done) throw new SetupError('npm ci failed: see above.');
}
