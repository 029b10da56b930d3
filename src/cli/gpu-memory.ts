/** What this machine tells of the memory of a GPU. */

import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Budget, chooseBudget, heapMemory, type MemoryFound } from '../autotune/budget.ts';
import type { SpeedStore } from '../autotune/kept-speeds.ts';
import type { OpenAdapter } from './gpu.ts';
import { speedFile } from './speed-file.ts';

/** Where it is asked. */
export interface MemorySystem {
  readonly platform: NodeJS.Platform;
  /** Bytes of main memory. */
  readonly mainMemory: number;
  /** What a program prints; undefined where it is missing or fails. */
  run(program: string, args: readonly string[]): Promise<string | undefined>;
  /** Linux's `/sys`. */
  readonly sys: string;
}

const THIS_SYSTEM: MemorySystem = {
  platform: process.platform,
  mainMemory: totalmem(),
  run: async (program, args) => {
    try {
      return (await promisify(execFile)(program, args, { timeout: 10_000, windowsHide: true })).stdout;
    } catch {
      return undefined;
    }
  },
  sys: '/sys',
};

/** The budget for this adapter: what the user gave, or what fits it. */
export const budgetFor = (
  { adapter, name, software }: OpenAdapter,
  given: number | undefined,
  store: SpeedStore = speedFile(),
): Promise<Budget> =>
  chooseBudget({ info: adapter.info, software, given, store, find: () => findMemory(adapter.info, name) });

/** @param name what the adapter is called in lists. */
export async function findMemory(
  info: GPUAdapterInfo,
  name: string,
  system = THIS_SYSTEM,
): Promise<MemoryFound | undefined> {
  const ways: Readonly<Record<string, () => Promise<MemoryFound | undefined>>> = {
    nvidia: () => nvidiaMemory(name, system),
    amd: () => amdMemory(system),
    apple: async () => appleMemory(system),
  };
  return (await ways[info.vendor]?.()) ?? heapMemory(info);
}

interface CardMemory {
  readonly name: string;
  readonly total: number;
  readonly free: number;
}

const leastFree = (cards: readonly CardMemory[]): CardMemory | undefined =>
  cards.toSorted((a, b) => a.free - b.free)[0];

/**
 * By nvidia-smi. Dawn does not tell which of several cards of one name it has opened: that is taken to be the one with
 * the least free memory. Vulkan's names are now and then shorter (`NVIDIA H100`, `NVIDIA H100 80GB HBM3`).
 */
async function nvidiaMemory(name: string, { run }: MemorySystem): Promise<MemoryFound | undefined> {
  const query = ['--query-gpu=name,memory.total,memory.free', '--format=csv,noheader,nounits'];
  const text = await run('nvidia-smi', query);
  const cards = (text ?? '').split('\n').flatMap((line): CardMemory[] => {
    const [, card, total, free] = /^(.+), (\d+), (\d+)\s*$/.exec(line) ?? [];
    return card === undefined
      ? []
      : [{ name: card, total: Number(total) * 2 ** 20, free: Number(free) * 2 ** 20 }];
  });
  const isCalled = (card: CardMemory) => card.name === name;
  const isLike = (card: CardMemory) => card.name.startsWith(name) || name.startsWith(card.name);
  const same = [cards.filter(isCalled), cards.filter(isLike), cards].find(({ length }) => length > 0);
  const card = leastFree(same ?? []);
  return card && { total: card.total, free: card.free, by: 'nvidia-smi' };
}

/** Graphics in a processor have less memory of their own, and take main memory as well. */
const OWN_MEMORY = 2 * 2 ** 30;

/** By what Linux's amdgpu tells in files; of several cards with memory of their own the one with the least free. */
async function amdMemory({ platform, sys }: MemorySystem): Promise<MemoryFound | undefined> {
  if (platform !== 'linux') return undefined;
  const folder = join(sys, 'class/drm');
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^card\d+$/.test(name));
  const cards: CardMemory[] = [];
  for (const name of names) {
    const read = async (kind: string): Promise<Omit<CardMemory, 'name'> | undefined> => {
      const file = (what: string) => join(folder, name, 'device', `mem_info_${kind}_${what}`);
      const [total, used] = await Promise.all([numberIn(file('total')), numberIn(file('used'))]);
      return total === undefined || used === undefined ? undefined : { total, free: total - used };
    };
    const own = await read('vram');
    const shared = own && own.total < OWN_MEMORY ? await read('gtt') : undefined;
    if (!own) continue;
    const { total = 0, free = 0 } = shared ?? {};
    cards.push({ name: shared ? 'integrated' : 'card', total: own.total + total, free: own.free + free });
  }
  const whole = cards.filter((card) => card.name === 'card');
  const card = leastFree(whole.length > 0 ? whole : cards);
  return card && { total: card.total, free: card.free, by: 'amdgpu' };
}

async function numberIn(path: string): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return /^\d+\s*$/.test(text) ? Number(text) : undefined;
}

/** Of main memory Metal recommends two thirds for the GPU, and three quarters where there is more than 36 GiB. */
function appleMemory({ platform, mainMemory }: MemorySystem): MemoryFound | undefined {
  if (platform !== 'darwin') return undefined;
  const total = Math.floor(mainMemory > 36 * 2 ** 30 ? (mainMemory * 3) / 4 : (mainMemory * 2) / 3);
  return { total, by: "Metal's rule" };
}
