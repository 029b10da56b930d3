/** System packages of Debian and its relatives. */
import { spawnSync } from 'node:child_process';
import { run, SetupError, say, works } from './shell.mjs';

/**
 * Installs those of `packages` that are missing, with apt-get: as root, or through sudo where that asks for no
 * password. Otherwise throws SetupError with the command to run.
 * @param {string[]} packages Debian package names
 * @param {string} purpose what they are for: the end of "installing … for …"
 */
export function installPackages(packages, purpose) {
  const missing = packages.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  const needed = `Missing: ${purpose}. Run as root: apt-get install ${missing.join(' ')}`;
  if (!works('apt-get', ['--version'])) {
    throw new SetupError(
      `${needed} (there is no apt-get here: install the same with this system's packages)`,
    );
  }
  const sudo = process.getuid() === 0 ? [] : ['sudo', '-n'];
  if (sudo.length > 0 && !works('sudo', ['-n', 'true'])) throw new SetupError(needed);

  say(`installing ${missing.join(' and ')} with apt-get for ${purpose} …`);
  const aptGet = (...args) => {
    const [program, ...rest] = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...args];
    return run(program, rest);
  };
  // Lists may be absent, as in a fresh container. When the update fails the old ones may still do.
  aptGet('update');
  if (!aptGet('install', '-y', '--no-install-recommends', ...missing)) {
    throw new SetupError(`apt-get failed, see above. ${needed}`);
  }
}

function isInstalled(name) {
  const { stdout } = spawnSync('dpkg', ['-s', name], { encoding: 'utf8' });
  return stdout?.includes('Status: install ok installed') ?? false;
}
