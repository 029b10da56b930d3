import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findMemory, type MemorySystem } from '../../src/cli/gpu-memory.ts';

const [MIB, GIB] = [2 ** 20, 2 ** 30];

const infoOf = (vendor: string) =>
  ({ vendor, architecture: '', device: '', description: '' }) as GPUAdapterInfo;

/** A system whose nvidia-smi prints this. */
const system = (printed?: string, other: Partial<MemorySystem> = {}): MemorySystem => ({
  ...{ platform: 'linux', mainMemory: 64 * GIB, sys: '/nothing', run: async () => printed },
  ...other,
});

const nvidia = (name: string, printed: string | undefined) =>
  findMemory(infoOf('nvidia'), name, system(printed));

test('nvidia-smi tells of one card', async () => {
  const asked: string[][] = [];
  const run: MemorySystem['run'] = async (program, args) => {
    asked.push([program, ...args]);
    return 'NVIDIA GeForce RTX 4090, 24564, 23010\n';
  };
  const found = await findMemory(infoOf('nvidia'), 'NVIDIA GeForce RTX 4090', system(undefined, { run }));
  expect(found).toEqual({ total: 24564 * MIB, free: 23010 * MIB, by: 'nvidia-smi' });
  expect(asked).toEqual([
    ['nvidia-smi', '--query-gpu=name,memory.total,memory.free', '--format=csv,noheader,nounits'],
  ]);
});

test.each([
  ['the one of the name', 'NVIDIA GeForce RTX 4090', 24564],
  ['the one whose name begins so', 'NVIDIA H100', 81559],
  ['the one with the least free, where none is called so', 'NVIDIA Graphics Device', 12288],
])('of several cards %s is meant', async (_, name, total) => {
  const printed =
    'NVIDIA GeForce RTX 3060, 12288, 2000\r\nNVIDIA GeForce RTX 4090, 24564, 23010\r\nNVIDIA H100 80GB HBM3, 81559, 80994\r\n';
  expect((await nvidia(name, printed))?.total).toBe(total * MIB);
});

test('of twins the one with less free memory counts', async () => {
  const found = await nvidia('NVIDIA H200', 'NVIDIA H200, 143771, 143156\nNVIDIA H200, 143771, 40000\n');
  expect(found?.free).toBe(40000 * MIB);
});

test.each([
  ['there is no nvidia-smi', undefined],
  ['its driver does not answer', 'NVIDIA-SMI has failed because it could not communicate with the driver.\n'],
  ['memory is shared with the processor', 'NVIDIA GB10, [N/A], [N/A]\n'],
])('nothing is found where %s', async (_, printed) => {
  expect(await nvidia('NVIDIA GB10', printed)).toBeUndefined();
});

/** `/sys` of a machine with these AMD cards: of each kind of memory, total and used bytes. */
function sysOf(cards: readonly Readonly<Record<string, readonly [total: number, used: number]>>[]): string {
  const sys = mkdtempSync(join(tmpdir(), 'exl2-sys-'));
  for (const [i, kinds] of cards.entries()) {
    const device = join(sys, 'class/drm', `card${i}`, 'device');
    mkdirSync(device, { recursive: true });
    mkdirSync(join(sys, 'class/drm', `card${i}-DP-1`));
    for (const [kind, [total, used]] of Object.entries(kinds)) {
      writeFileSync(join(device, `mem_info_${kind}_total`), `${total}\n`);
      writeFileSync(join(device, `mem_info_${kind}_used`), `${used}\n`);
    }
  }
  return sys;
}

// Sizes of a card with 24 GiB, and of graphics in a processor; an Intel card has no such files.
const LARGE = { vram: [25753026560, 1073741824], gtt: [33482235904, 50331648] } as const;
const SMALL = { vram: [536870912, 268435456], gtt: [33482235904, 67108864] } as const;

test.each([
  ['a card', [LARGE, {}], { total: 25753026560, free: 24679284736 }],
  ['graphics in a processor, with main memory', [SMALL], { total: 34019106816, free: 33683562496 }],
  ['a card beside graphics in a processor', [SMALL, LARGE], { total: 25753026560, free: 24679284736 }],
])('amdgpu tells of %s', async (_, cards, expected) => {
  const found = await findMemory(infoOf('amd'), 'AMD', system(undefined, { sys: sysOf(cards) }));
  expect(found).toEqual({ ...expected, by: 'amdgpu' });
});

test('elsewhere nothing is found of AMD', async () => {
  expect(await findMemory(infoOf('amd'), 'AMD', system())).toBeUndefined();
  expect(await findMemory(infoOf('amd'), 'AMD', system(undefined, { platform: 'win32' }))).toBeUndefined();
});

test.each([
  [16, (16 * 2) / 3],
  [64, 48],
])('a Mac of %i GiB gives the GPU its share', async (memory, expected) => {
  const mac = system(undefined, { platform: 'darwin', mainMemory: memory * GIB });
  const found = await findMemory(infoOf('apple'), 'Apple M2', mac);
  expect(found?.total).toBe(Math.floor(expected * GIB));
});
