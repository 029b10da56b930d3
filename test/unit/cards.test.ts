import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import {
  adapterName,
  chosenCards,
  listCards,
  mountsFor,
  seesOnly,
  startCommand,
  startProcess,
} from '../../src/cli/cards.ts';
import { endOf } from '../../src/cli/child.ts';
import { deviceFiles } from '../../src/cli/device-files.ts';
import { hidingCommand, type Mounts, privateCommand } from '../../src/cli/private-mounts.ts';
import { InputError, UnsupportedError } from '../../src/util/errors.ts';

const folder = mkdtempSync(join(tmpdir(), "cards' "));
afterAll(() => rmSync(folder, { recursive: true }));

function put(path: string, text = ''): string {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
  return join(folder, path);
}

const information = (model: string, minor: number) =>
  `Model: \t\t ${model}\nIRQ:   \t\t 12\nDevice Minor: \t ${minor}\n`;

function renderNode(name: string, driver: string, vendor: string, device: string): void {
  put(`dev/dri/${name}`);
  const base = `sys/class/drm/${name}/device`;
  put(`${base}/vendor`, `${vendor}\n`);
  put(`${base}/device`, `${device}\n`);
  symlinkSync(`../../../bus/pci/drivers/${driver}`, join(folder, base, 'driver'));
}

test('the cards of a Linux machine are its device files, NVIDIA by name, others by driver', () => {
  for (const name of ['nvidia10', 'nvidia0', 'nvidia2', 'nvidiactl', 'nvidia-uvm', 'dri/card0'])
    put(`dev/${name}`);
  put('proc/driver/nvidia/gpus/0000:01:00.0/information', information('NVIDIA H200', 2));
  put('proc/driver/nvidia/gpus/0000:02:00.0/information', information('NVIDIA L4', 0));
  renderNode('renderD129', 'amdgpu', '0x1002', '0x744c');
  renderNode('renderD128', 'nvidia', '0x10de', '0x2335');
  renderNode('renderD130', 'virtio-pci', '0x1af4', '0x1050');
  const dev = join(folder, 'dev');
  const files = deviceFiles({ dev, proc: join(folder, 'proc'), sys: join(folder, 'sys') });
  expect(files).toEqual([
    { path: join(dev, 'nvidia0'), name: 'NVIDIA L4', isHidden: false },
    { path: join(dev, 'nvidia2'), name: 'NVIDIA H200', isHidden: false },
    { path: join(dev, 'nvidia10'), name: 'NVIDIA GPU', isHidden: false },
    { path: join(dev, 'dri/renderD129'), name: 'amdgpu 1002:744c', isHidden: false },
  ]);
  expect(deviceFiles({ dev: '/none', proc: '/none', sys: '/none' })).toEqual([]);
});

test('what is hidden stays so, but for the card that is wanted', () => {
  const file = (path: string, isHidden: boolean) => ({ path, name: 'x', isHidden });
  const files = [file('/dev/a', false), file('/dev/b', true), file('/dev/c', true), file('/dev/d', false)];
  expect(mountsFor('/dev/a', files)).toEqual({ hide: ['/dev/d'], show: [] });
  expect(mountsFor('/dev/b', files)).toEqual({ hide: ['/dev/a', '/dev/d'], show: ['/dev/b'] });
});

test('the command mounts, then becomes the process', () => {
  const mounts = { hide: ['/dev/nvidia0', "/odd'name"], show: ['/dev/nvidia1'] };
  expect(privateCommand(['unshare', '-m'], mounts, ['node', 'a b.js'])).toEqual([
    ...['unshare', '-m', 'sh', '-c'],
    "umount '/dev/nvidia1' && mount --bind /dev/null '/dev/nvidia0' && " +
      "mount --bind /dev/null '/odd'\\''name' && exec \"$@\"",
    ...['sh', 'node', 'a b.js'],
  ]);
});

/** Answers one message with what it reads. */
const SCRIPT = `
  import { readFileSync } from 'node:fs';
  process.once('message', ({ files, bytes }) =>
    process.send({ texts: files.map((file) => readFileSync(file, 'utf8')), bytes, pid: process.pid }, () =>
      process.exit(5)));`;

const bytes = new Uint8Array([1, 2]);

async function ask(child: ChildProcess, files: readonly string[]) {
  const answer = once(child, 'message');
  const end = once(child, 'exit');
  child.send({ files, bytes });
  return { answer: (await answer)[0], end: await end, pid: child.pid };
}

/** Undefined where the system lets no process hide files, which it must then say. */
function hiding(mounts: Mounts, command: readonly string[]): string[] | undefined {
  try {
    return hidingCommand(mounts, command);
  } catch (error) {
    console.warn(`Private mount namespaces are not allowed here; only the refusal is tested. ${error}`);
    expect(error).toBeInstanceOf(UnsupportedError);
    return undefined;
  }
}

test('a process in a mount namespace of its own does not see files that others see', async () => {
  const node = [process.execPath, put('script.mjs', SCRIPT)];
  const files = [put('a', 'A'), put('b', 'B')];
  const [a, b] = [files[0]!, files[1]!];
  // Started by this process, and by one that had a file hidden from it: a card's process starts those of others.
  const swapped = privateCommand(['unshare', '-m'], { hide: [b], show: [a] }, node);
  const cases = [
    { command: hiding({ hide: [a], show: [] }, node), texts: ['', 'B'] },
    { command: hiding({ hide: [a], show: [] }, swapped), texts: ['A', ''] },
    { command: node, texts: ['A', 'B'] },
  ];
  for (const { command, texts } of cases) {
    if (command === undefined) continue;
    const child = startCommand(command, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const { answer, end, pid } = await ask(child, files);
    expect(answer).toEqual({ texts, bytes, pid });
    expect(end).toEqual([5, null]);
  }
});

test('a refusal tells what was tried, the answer of the system, and what to do', () => {
  const refusing = put('bin/unshare', '#!/bin/sh\necho "unshare failed: $1 not permitted" >&2\nexit 1\n');
  chmodSync(refusing, 0o755);
  const { PATH } = process.env;
  const hide = () => hidingCommand({ hide: ['/dev/nvidia0'], show: [] }, ['true']);
  try {
    process.env['PATH'] = `${join(folder, 'bin')}:${PATH}`;
    expect(hide).toThrow(UnsupportedError);
    expect(hide).toThrow(/\/dev\/nvidia0.*"unshare -m": unshare failed: -m not.*"unshare -r -m": .*-r not/s);
    process.env['PATH'] = join(folder, 'none');
    expect(hide).toThrow(/ENOENT.*Run as root;.*SYS_ADMIN.*--gpu NAME/s);
  } finally {
    process.env['PATH'] = PATH;
  }
});

test('without several device files the cards are the adapters, told apart by name', async () => {
  const cards = await listCards();
  expect(cards[0]).toMatchObject({ number: 0 });
  expect(await chosenCards(undefined)).toEqual([]);
  expect(await chosenCards('all')).toEqual(cards);
  expect(await chosenCards([0])).toEqual([cards[0]]);
  await expect(chosenCards([0, 64])).rejects.toThrow(InputError);
  await expect(chosenCards([0, 64])).rejects.toThrow(
    `--gpus 0,64: there is no card 64. There are: 0 (${cards[0]!.name})`,
  );
  expect(adapterName({ number: 0, name: 'M4' })).toBe('M4');
  expect(adapterName({ number: 0, name: 'NVIDIA H200', file: '/dev/nvidia0' })).toBeUndefined();
  expect(seesOnly({ number: 1, name: 'M4' })).toBe(true);
});

test('a process that was started is interrupted with this one, and its exit code is passed on', async () => {
  const script = put(
    'wait.mjs',
    "process.on('SIGINT', () => process.exit(7)); process.send('ready'); setInterval(() => {}, 1000);",
  );
  const controller = new AbortController();
  const child = startProcess(script, [], { number: 0, name: 'any' });
  child.once('message', () => controller.abort());
  expect(await endOf(child, controller.signal)).toBe(7);
  const killed = startProcess(script, [], undefined);
  killed.once('message', () => killed.kill('SIGTERM'));
  expect(await endOf(killed, new AbortController().signal)).toBe(128 + 15);
});
