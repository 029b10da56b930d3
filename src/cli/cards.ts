import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { isSoftware } from '../gpu/device.ts';
import { InputError, UnsupportedError } from '../util/errors.ts';
import { type DeviceFile, deviceFiles } from './device-files.ts';
import { listAdapters, type OpenAdapter, openAdapter } from './gpu.ts';
import { hidingCommand, type Mounts } from './private-mounts.ts';

/** A GPU that a process can have for itself. */
export interface Card {
  /** As `--gpus` counts, from 0; the same in every process of the machine. */
  readonly number: number;
  readonly name: string;
  /** Its device file; undefined where cards are told apart by name only. */
  readonly file?: string;
}

/**
 * The cards that can be told apart: by device file where Linux has several, else by the names that Dawn has for its
 * adapters. Adapters in software count where there is nothing else.
 */
export async function listCards(): Promise<Card[]> {
  const files = linuxFiles();
  if (files.length > 1) return files.map(({ path, name }, number) => ({ number, name, file: path }));
  const names = [...new Set((await listAdapters()).map(({ name }) => name))];
  const hardware = names.filter((name) => !isSoftware(name, { isFallbackAdapter: false }));
  return (hardware.length > 0 ? hardware : names).map((name, number) => ({ number, name }));
}

/**
 * The cards of `--gpus`; none where nothing was chosen, which leaves the choice to the system.
 * @throws InputError for a number that no card has.
 */
export async function chosenCards(gpus: 'all' | readonly number[] | undefined): Promise<Card[]> {
  if (gpus === undefined) return [];
  const cards = await listCards();
  if (gpus === 'all') return cards;
  return gpus.map((number) => {
    const card = cards[number];
    if (card) return card;
    const listed = cards.map((other) => `${other.number} (${other.name})`).join(', ');
    throw new InputError(
      `--gpus ${gpus.join(',')}: there is no card ${number}. There are: ${listed || 'none'}.`,
    );
  });
}

/** Whether this process sees `card` and no other. */
export function seesOnly({ file }: Card): boolean {
  if (file === undefined) return true;
  const { hide, show } = mountsFor(file, linuxFiles());
  return hide.length === 0 && show.length === 0;
}

/** Standard input, output and errors of a process that is started. */
export type Streams = readonly ['ignore' | 'inherit', 'pipe' | 'inherit', 'pipe' | 'inherit'];

/** What to open the adapter of `card` by: its name where nothing else tells it apart; undefined: it is the only one. */
export const adapterName = (card: Card): string | undefined =>
  card.file === undefined ? card.name : undefined;

/**
 * The adapter of `card`; without one that of the name, or the one that the system offers first.
 * @throws UnsupportedError where a card that was chosen gives none, rather than computing in software unasked.
 */
export async function openCard(card: Card | undefined, name: string | undefined): Promise<OpenAdapter> {
  const opened = await openAdapter(card ? adapterName(card) : name);
  if (card?.file === undefined || !opened.software) return opened;
  throw new UnsupportedError(
    `Card ${card.number} (${card.name}, ${card.file}) gives no WebGPU adapter to a process that sees no other card; ` +
      `there is only ${opened.name}, in software. Install or update the card's Vulkan driver (vulkaninfo --summary ` +
      'tells whether it is found); or, to compute in software, leave --gpus away.',
  );
}

/**
 * Starts the script `file` in a Node of its own that sees `card` only, with a channel for messages (structured
 * clones). Where cards are told apart by name it sees all, and must be told {@link adapterName}. Without a card it
 * sees what this process sees.
 * @throws UnsupportedError where the system lets no process hide the other cards.
 */
export function startProcess(
  file: string,
  args: readonly string[],
  card: Card | undefined,
  {
    streams = ['ignore', 'inherit', 'inherit'],
    ...options
  }: Pick<SpawnOptions, 'cwd' | 'env'> & { readonly streams?: Streams } = {},
): ChildProcess {
  const node = [process.execPath, ...process.execArgv, file, ...args];
  const isVisible = card === undefined || seesOnly(card);
  const command = isVisible ? node : hidingCommand(mountsFor(card.file!, linuxFiles()), node);
  return startCommand(command, { ...options, stdio: [...streams, 'ipc'] });
}

/** With a channel whose messages are structured clones. */
export function startCommand([program, ...args]: readonly string[], options: SpawnOptions): ChildProcess {
  return spawn(program!, args, { ...options, serialization: 'advanced' });
}

/** What makes one file the only one that is not hidden. */
export function mountsFor(file: string, files: readonly DeviceFile[]): Mounts {
  return {
    hide: files.filter(({ path, isHidden }) => path !== file && !isHidden).map(({ path }) => path),
    show: files.filter(({ path, isHidden }) => path === file && isHidden).map(({ path }) => path),
  };
}

const linuxFiles = (): DeviceFile[] => (process.platform === 'linux' ? deviceFiles() : []);
