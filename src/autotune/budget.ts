/** How much GPU memory a conversion may take, where the user does not say: WebGPU itself does not tell what there is. */

import { defaultBudget } from '../gpu/device.ts';
import type { GpuMemory } from '../gpu/memory.ts';
import { formatByteSize } from '../util/text/byte-size.ts';
import type { SpeedStore } from './kept-speeds.ts';

/** What a system tells of a GPU's memory, in bytes. */
export interface MemoryFound {
  readonly total: number;
  /** What others have not taken; missing where only the total is told. */
  readonly free?: number;
  /** What tells it, e.g. `nvidia-smi`. */
  readonly by: string;
}

/** Bytes of GPU memory to use, and why so many. */
export interface Budget {
  readonly bytes: number;
  /** Goes on from the size, e.g. ` of 24.0 GiB, found by nvidia-smi`; empty where the user or software decides. */
  readonly why: string;
  /** It was neither given nor found: how the job fares with it says what to try next time. */
  readonly isTrial: boolean;
}

type AdapterNames = Pick<GPUAdapterInfo, 'vendor' | 'architecture' | 'device' | 'description'>;

/** What an adapter in software is, and what it says of itself. */
interface BudgetRequest {
  readonly info: AdapterNames;
  readonly software: boolean;
  /** By the user; it always counts. */
  readonly given?: number | undefined;
  /** Looks for what the system tells. Not asked where it does not matter. */
  readonly find: () => Promise<MemoryFound | undefined>;
  readonly store: SpeedStore;
}

/** Of free memory: the rest is for the system, the driver's own needs and other programs. */
const SHARE = 0.85;
/** Left of it at least, but for half of what there is. */
const LEFT = 2 ** 30;
/** What a job that its budget was too small for raises it to, the next time. */
const GROWTH = 1.5;
/** A budget that nothing but trial speaks for grows no further: some drivers take main memory instead of refusing. */
const MOST_TRIED = 24 * 2 ** 30;
/** A job that has held so much of its budget would have taken more. */
const USED_UP = 0.9;
/** What the driver refused is tried again after a week: another program may have had the memory. */
const KEPT_MS = 7 * 24 * 3600 * 1000;

export async function chooseBudget({ info, software, given, find, store }: BudgetRequest): Promise<Budget> {
  if (given !== undefined) return { bytes: given, why: '', isTrial: false };
  if (software) return { bytes: defaultBudget(true), why: '', isTrial: false };
  const found = await find();
  if (found) return foundBudget(found);
  const kept = await store.read(keyOf(info));
  if (isEntry(kept)) {
    const age = Date.now() - kept.noted;
    if (!kept.isRefused) return { bytes: kept.bytes, why: ', more than the last job had', isTrial: true };
    if (age >= 0 && age < KEPT_MS)
      return { bytes: kept.bytes, why: ', as the driver has refused more', isTrial: true };
  }
  return { bytes: defaultBudget(false), why: ', a guess: nothing tells how much there is', isTrial: true };
}

/** Most of what is free. */
function foundBudget({ total, free = total, by }: MemoryFound): Budget {
  const bytes = Math.floor(Math.max(free / 2, Math.min(free * SHARE, free - LEFT)));
  const rest = free < total ? `, of which ${formatByteSize(free)} are free` : '';
  return { bytes, why: ` of ${formatByteSize(total)}${rest}, found by ${by}`, isTrial: false };
}

/**
 * Keeps what a job has shown, for the next one: less, where the driver refused memory, or more to try, where all was
 * used up and nothing refused.
 * @param workers that have shared the budget.
 */
export async function learnBudget(
  store: SpeedStore,
  info: AdapterNames,
  { bytes, isTrial }: Budget,
  { failures, mostTrusted, peak }: Pick<GpuMemory, 'failures' | 'mostTrusted' | 'peak'>,
  workers = 1,
): Promise<void> {
  if (!isTrial) return;
  const noted = Date.now();
  if (failures > 0) {
    const entry: Entry = { bytes: Math.min(mostTrusted * workers, bytes), isRefused: true, noted };
    await store.write(keyOf(info), entry);
    return;
  }
  const kept = await store.read(keyOf(info));
  if (isEntry(kept) && kept.isRefused && kept.bytes === bytes) return;
  if (peak * workers < bytes * USED_UP || bytes >= MOST_TRIED) return;
  const more: Entry = { bytes: Math.min(bytes * GROWTH, MOST_TRIED), isRefused: false, noted };
  await store.write(keyOf(info), more);
}

/** What is kept of one adapter. */
interface Entry {
  readonly bytes: number;
  /** More was refused; otherwise more was wanted. */
  readonly isRefused: boolean;
  /** Milliseconds since 1970. */
  readonly noted: number;
}

function isEntry(value: unknown): value is Entry {
  const { bytes, isRefused, noted } = (value ?? {}) as Partial<Record<keyof Entry, unknown>>;
  const isSize = typeof bytes === 'number' && bytes > 0 && bytes <= MOST_TRIED;
  return isSize && typeof isRefused === 'boolean' && typeof noted === 'number';
}

const keyOf = ({ vendor, architecture, device, description }: AdapterNames): string =>
  ['memory budget', vendor, architecture, device, description].join(' | ');

/** A heap as Dawn describes it, where the adapter has the feature; not in the standard. */
interface MemoryHeap {
  /** Bits. */
  readonly properties: number;
  readonly size: number;
}

/** Memory of the GPU's own. */
const DEVICE_LOCAL = 1;

/** The largest heap of the GPU's own memory, where the adapter lists them: Chrome does with its developer features. */
export function heapMemory(info: GPUAdapterInfo): MemoryFound | undefined {
  const { memoryHeaps = [] } = info as { memoryHeaps?: Iterable<MemoryHeap> };
  const sizes = [...memoryHeaps]
    .filter(({ properties }) => properties & DEVICE_LOCAL)
    .map(({ size }) => size);
  const total = Math.max(0, ...sizes);
  return total > 0 ? { total, by: 'WebGPU' } : undefined;
}
