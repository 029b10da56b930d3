import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hidingCommand } from '../../src/cli/private-mounts.ts';
import { UnsupportedError } from '../../src/util/errors.ts';
import { buildCli, temporaryDirectory } from '../support/cli.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

const temporary = temporaryDirectory('cards');
const dev = join(temporary.path, 'dev');

beforeAll(() => {
  buildCli();
  mkdirSync(dev);
});
afterAll(() => temporary.remove());

/** Puts a /dev with two cards that no driver knows in the place of the real one, then becomes its arguments. */
const PRETEND = `
  set -e
  mount -t tmpfs none "$0"
  for name in null zero full random urandom tty; do touch "$0/$name"; mount --bind "/dev/$name" "$0/$name"; done
  ln -s /proc/self/fd "$0/fd"
  mkdir "$0/shm"
  touch "$0/nvidia0" "$0/nvidia1"
  mount --rbind "$0" /dev
  exec "$@"`;

/** Runs the built command on a machine with two such cards; undefined where the system lets nobody pretend. */
function onTwoCards(...args: string[]) {
  try {
    const script = ['sh', '-c', PRETEND, dev, process.execPath, MAIN, ...args];
    const [program, ...rest] = hidingCommand({ hide: [], show: [] }, script);
    return spawnSync(program!, rest, { encoding: 'utf8' });
  } catch (error) {
    console.warn(`Private mount namespaces are not allowed here; choosing cards is not tested. ${error}`);
    expect(error).toBeInstanceOf(UnsupportedError);
    return undefined;
  }
}

const noAdapter = (number: number) =>
  new RegExp(`Error: (Card ${number} .*nvidia${number}\\) gives no WebGPU adapter|WebGPU finds no adapter)`);

test('two cards of a name have numbers', () => {
  const listed = onTwoCards('--list-gpus');
  if (!listed) return;
  expect(listed.stdout).toMatch(
    /\n {2}0 {2}NVIDIA .*\(\/dev\/nvidia0\)\n {2}1 {2}NVIDIA .*\(\/dev\/nvidia1\)\n/,
  );
  expect(onTwoCards('--gpus', '2')).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/there is no card 2\. There are: 0 \(NVIDIA .*\), 1 \(NVIDIA .*\)\./),
  });
});

test('the command goes on in a process that sees the chosen card, and passes its exit code on', () => {
  for (const number of [0, 1]) {
    // That process finds at most the adapter in software, and refuses to take it for the card.
    const chosen = onTwoCards('--gpus', `${number}`, '-cf', join(temporary.path, 'out'));
    if (!chosen) return;
    expect(chosen).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(noAdapter(number)) });
    expect(chosen.stderr.match(/Error:/g)).toHaveLength(1);
  }
});

test('jobs of a queue see a card each', () => {
  const bitrates = ['-b', '3', '-b', '4'];
  const queue = onTwoCards(...bitrates, '--gpus', '1', '-cf', join(temporary.path, 'queue'), '--json');
  if (!queue) return;
  expect(queue.status).toBe(1);
  expect(queue.stderr).toMatch(/2 of 2 jobs failed:\ntinystories-7m-3\.0bpw: Error: /);
  expect(queue.stderr).toMatch(noAdapter(1));
});
