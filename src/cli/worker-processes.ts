import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { wrap } from 'comlink';
import type { WorkerApi, WorkerLink } from '../distribute/leader/api.ts';
import { type Card, startProcess } from './cards.ts';
import { newDataFolder, removeLeftData } from './worker/data-folder.ts';
import { processEndpoint } from './worker/endpoint.ts';
import { LargeData } from './worker/large-data.ts';

/** A worker's program, built; from the repository. */
const WORKER_FILE = 'dist/cli/worker.js';

/** What a worker's process is told when it starts. */
export interface WorkerPlaces {
  readonly inDir: string;
  readonly workDir: string;
  readonly card?: Card;
  /** Part of the adapter's name, where no card was chosen. */
  readonly gpu?: string;
  readonly budgetBytes: number;
  /** For data that is passed in files. */
  readonly dataFolder: string;
}

export interface PoolRequest extends Omit<WorkerPlaces, 'card' | 'dataFolder'> {
  /** The first one is the leader's too; empty: the one that the system chooses. */
  readonly cards: readonly Card[];
  /** Processes on each card, the leader's counted. */
  readonly workers: number;
  readonly root: string;
}

export interface WorkerProcesses {
  readonly links: readonly WorkerLink[];
  stop(): void;
}

/**
 * Starts the processes of the other workers than this one, which is the first worker of the first card.
 * @param signal what is asked of them then ends with its reason.
 */
export function startWorkerProcesses(
  { cards, workers, root, ...places }: PoolRequest,
  signal: AbortSignal,
): WorkerProcesses {
  removeLeftData();
  const seats = (cards.length > 0 ? cards : [undefined]).flatMap((card) =>
    Array.from({ length: workers }, () => card),
  );
  if (seats.length === 1) return { links: [], stop: () => {} };
  const large = new LargeData(newDataFolder());
  const children = seats.slice(1).map((card) => {
    const told: WorkerPlaces = { ...places, ...(card && { card }), dataFolder: large.folder };
    return { card, child: startProcess(join(root, WORKER_FILE), [JSON.stringify(told)], card) };
  });
  return {
    links: children.map(({ card, child }, i) => linkTo(child, i + 2, card, large, signal)),
    stop() {
      for (const { child } of children) {
        child.removeAllListeners('exit');
        child.kill('SIGKILL');
      }
      large.end();
    },
  };
}

function linkTo(
  child: ChildProcess,
  number: number,
  card: Card | undefined,
  large: LargeData,
  signal: AbortSignal,
): WorkerLink {
  let failed: (error: Error) => void = () => {};
  const ended = new Promise<never>((_, reject) => {
    failed = reject;
    child.once('error', reject);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    child.once('exit', (code, signal) =>
      reject(new Error(`its process has ended (${signal ?? `exit code ${code}`})`)),
    );
  });
  ended.catch(() => {}); // those who wait for it are told
  return {
    name: card ? `worker ${number} (card ${card.number})` : `worker ${number}`,
    api: wrap<WorkerApi>(processEndpoint(child, large, failed)),
    ended,
    release: (data) => large.release(data),
  };
}
