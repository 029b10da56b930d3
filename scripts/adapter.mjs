/** A WebGPU adapter for Node, and browsers: found, or on Debian installed. */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { installPackages } from './packages.mjs';
import { SetupError, say, works } from './shell.mjs';

/** Where Chromium and Chrome keep SwiftShader, a Vulkan driver in software; Debian's package first. */
const SOFTWARE_DRIVERS = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/usr/lib64/chromium-browser/vk_swiftshader_icd.json',
  '/opt/google/chrome/vk_swiftshader_icd.json',
];

const BROWSERS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/**
 * Sets this process's environment, and so its children's, such that WebGPU finds an adapter. A GPU goes before the
 * software adapter. Only on Linux may both be missing; elsewhere the system has the driver.
 * @param {{install: boolean}} options whether to install the software adapter where there is none, or do without
 */
export function ensureAdapter({ install }) {
  if (process.platform !== 'linux') return;
  // libwayland, which the drivers load, complains on stderr when this is unset.
  process.env.XDG_RUNTIME_DIR ??= tmpdir();
  if (findsAdapter(process.env)) return;
  const chosen = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES;
  if (chosen) say(`the environment's Vulkan driver ${chosen} gives no WebGPU adapter; trying others …`);
  if (useSoftwareAdapter() || !install) return;

  installPackages(
    ['libvulkan1', 'chromium'],
    'a WebGPU adapter (SwiftShader, the one in software of Chromium)',
  );
  // A GPU's driver may have lacked nothing but the Vulkan loader.
  if (findsAdapter(process.env) || useSoftwareAdapter()) return;
  throw new SetupError(
    `No WebGPU adapter. Install the Vulkan driver of your GPU, or a Chromium that has ${SOFTWARE_DRIVERS[0]} ` +
      '(Debian: apt-get install chromium libvulkan1); a driver elsewhere is named with VK_DRIVER_FILES.',
  );
}

const FIREFOXES = [
  '/usr/bin/firefox-esr',
  '/usr/bin/firefox',
  '/Applications/Firefox.app/Contents/MacOS/firefox',
  'C:\\Program Files\\Mozilla Firefox\\firefox.exe',
];

/** Sets PUPPETEER_EXECUTABLE_PATH to a Chromium or Chrome. */
export function ensureBrowser() {
  const find = () =>
    [process.env.PUPPETEER_EXECUTABLE_PATH, ...BROWSERS].find((path) => path && existsSync(path));
  if (!find() && process.platform === 'linux')
    installPackages(['chromium'], 'the browser that the tests drive');
  const browser = find();
  if (!browser) {
    throw new SetupError('No Chromium or Chrome found: install one, or set PUPPETEER_EXECUTABLE_PATH to it.');
  }
  process.env.PUPPETEER_EXECUTABLE_PATH = browser;
}

/** The path of a Firefox, which FIREFOX_PATH may name. */
export function ensureFirefox() {
  const find = () => [process.env.FIREFOX_PATH, ...FIREFOXES].find((path) => path && existsSync(path));
  if (!find() && process.platform === 'linux')
    installPackages(['firefox-esr'], 'the other browser that the tests drive');
  const firefox = find();
  if (!firefox) throw new SetupError('No Firefox found: install one, or set FIREFOX_PATH to it.');
  return firefox;
}

/** True when a software driver is there and works; it is then set. */
function useSoftwareAdapter() {
  // The newer name of VK_ICD_FILENAMES; it would win.
  const { VK_DRIVER_FILES: _, ...env } = process.env;
  const driver = SOFTWARE_DRIVERS.find(
    (path) => existsSync(path) && findsAdapter({ ...env, VK_ICD_FILENAMES: path }),
  );
  if (!driver) return false;
  delete process.env.VK_DRIVER_FILES;
  process.env.VK_ICD_FILENAMES = driver;
  return true;
}

/** Asked in a child process: a driver may crash, and one that failed stays loaded. */
function findsAdapter(env) {
  const probe = `
    const { create } = await import('webgpu');
    process.exit((await create([]).requestAdapter()) ? 0 : 1);`;
  return works(process.execPath, ['--input-type=module', '-e', probe], { env });
}
