import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isRunning, markOf } from '../../src/cli/process-mark.ts';
import { checkFree, lockWork } from '../../src/cli/work-lock.ts';
import { InputError } from '../../src/util/errors.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lock-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const work = () => join(root, 'a/work');
const lock = () => join(work(), 'lock.json');

/** Leaves a lock of this text that was last touched so many seconds ago. */
function leaveLock(text: string, secondsAgo = 0): void {
  mkdirSync(work(), { recursive: true });
  writeFileSync(lock(), text);
  const time = new Date(Date.now() - 1000 * secondsAgo);
  utimesSync(lock(), time, time);
}
const lockOf = (holder: object) => JSON.stringify({ host: hostname(), ...holder });

test('the second run is refused with the process of the first, until that has ended', async () => {
  const unlock = await lockWork(work());
  for (const second of [lockWork, checkFree]) {
    await expect(second(work())).rejects.toThrow(InputError);
    await expect(second(work())).rejects.toThrow(
      `The work directory ${work()} is in use by process ${process.pid}: let that end first, or take another work directory (--out_dir).`,
    );
  }
  await unlock();
  const again = await lockWork(work());
  await again();
});

test('a folder that was made is removed when nothing was put into it, and no other', async () => {
  await (await lockWork(work()))();
  expect(readdirSync(root)).toEqual([]);
  mkdirSync(work(), { recursive: true });
  await (await lockWork(work()))();
  expect(readdirSync(work())).toEqual([]);
  rmSync(work(), { recursive: true });
  const unlock = await lockWork(work());
  writeFileSync(join(work(), 'job.json'), '{}');
  await unlock();
  expect(readdirSync(work())).toEqual(['job.json']);
});

test('looking makes nothing', async () => {
  await checkFree(work());
  expect(readdirSync(root)).toEqual([]);
});

test('a folder that cannot be written says so, and nothing is left', async () => {
  writeFileSync(join(root, 'a'), 'a file');
  await expect(lockWork(work())).rejects.toThrow(/^Cannot write .*lock\.json: /);
});

test('what a run left that was killed is no obstacle', async () => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  leaveLock(lockOf({ pid, started: 'long ago' }));
  const unlock = await lockWork(work());
  expect(JSON.parse(readFileSync(lock(), 'utf8'))).toEqual({ ...markOf(process.pid), host: hostname() });
  expect(readdirSync(work())).toEqual(['lock.json']);
  await unlock();
  expect(existsSync(lock())).toBe(false);
});

test.runIf(markOf(process.pid).started !== undefined)(
  'another process of the same number is not the one that was killed',
  async () => {
    expect(isRunning(markOf(process.pid))).toBe(true);
    expect(isRunning({ ...markOf(process.pid), started: 'long ago' })).toBe(false);
    leaveLock(lockOf({ pid: process.pid, started: 'long ago' }));
    await (await lockWork(work()))();
  },
);

test('of a run on another machine it counts when that last showed itself', async () => {
  leaveLock(lockOf({ pid: process.pid, host: 'elsewhere' }));
  await expect(lockWork(work())).rejects.toThrow(
    `in use by process ${process.pid} on elsewhere: let that end first, or take another work directory (--out_dir). If that has ended, delete ${lock()}.`,
  );
  leaveLock(lockOf({ pid: process.pid, host: 'elsewhere' }), 61);
  await (await lockWork(work()))();
});

test('a lock that is just being written counts as one', async () => {
  leaveLock('');
  await expect(lockWork(work())).rejects.toThrow(/in use by another process: /);
  leaveLock('{"pi', 61);
  await (await lockWork(work()))();
});
