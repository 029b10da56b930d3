import { OutOfMemoryError, TooLittleMemoryError } from '../util/errors.ts';
import { formatByteSize } from '../util/text/byte-size.ts';
import type { Gpu } from './gpu.ts';

/** What may have GPU memory that main memory can take over. */
export interface Movable {
  /** False when there was none. */
  moveToHost(): Promise<boolean>;
}

/** Told in a sentence what was short, and what was done about it. */
export type TellShortage = (message: string) => void;

/** A piece of work that can be started again, as it has not changed what it reads until it is done. */
export interface Repeatable {
  /** What it is, for messages. */
  readonly what: string;
  /** Rows that it takes at once, at most; 1 where that cannot be changed. */
  readonly size?: number;
  readonly movable?: readonly Movable[];
  readonly tell?: TellShortage | undefined;
}

/** With nothing left to move or to divide. */
export const LAST_TRIES = 2;

/**
 * Does `work` with the largest batch that fits: when GPU memory does not suffice it frees what is pooled, moves what it can
 * to main memory, or else halves the batch, and starts the work again. With nothing left to do it is tried twice more within
 * the budget that was given, whatever the driver has refused of it: other programs may have given memory back.
 * @throws TooLittleMemoryError when these fail too.
 */
export async function withEnoughMemory<T>(
  gpu: Gpu,
  { what, size = 1, movable = [], tell = () => {} }: Repeatable,
  work: (batch: number) => Promise<T>,
): Promise<T> {
  let tries = LAST_TRIES;
  for (let batch = size; ; ) {
    const { budget } = gpu.memory;
    try {
      return await work(batch);
    } catch (error) {
      if (!(error instanceof OutOfMemoryError) || error instanceof TooLittleMemoryError) throw error;
      await gpu.recover();
      const isCut = gpu.memory.budget < budget;
      const cut = isCut ? `; the budget is ${formatByteSize(gpu.memory.budget)} from now on` : '';
      const told = (done: string) =>
        tell(`GPU memory was short in ${what}: ${error.message}${cut}. ${done}.`);
      if (await movedToHost(movable))
        told('It was begun again with calibration states in main memory or on disk');
      else if (batch > 1) {
        batch = Math.ceil(batch / 2);
        told(`It was begun again with ${batch === 1 ? 'one row' : `${batch} rows`} at a time`);
      } else if (isCut) {
        // A smaller budget leads to other choices than before.
        told('It was begun again within that');
      } else if (tries-- > 0) {
        gpu.memory.restoreBudget();
        told('It was begun again with what memory could be freed');
      } else throw tooLittleMemory(gpu, what, error);
    }
  }
}

/** Whether any of them took GPU memory. Where there is none to move them through, they stay. */
async function movedToHost(movable: readonly Movable[]): Promise<boolean> {
  let moved = false;
  try {
    for (const each of movable) moved = (await each.moveToHost()) || moved;
  } catch (error) {
    if (!(error instanceof OutOfMemoryError)) throw error;
  }
  return moved;
}

/** A budget that is too small can be raised; what the driver has no memory for cannot. */
export const tooLittleMemory = ({ memory }: Gpu, what: string, { message }: Error): TooLittleMemoryError =>
  new TooLittleMemoryError(
    `${message}. ${what} does not fit even with one row at a time: ${memory.failures > 0 ? CLOSE : RAISE}, or take ` +
      'shorter rows (--length).',
  );

const CLOSE = 'close other programs that use the GPU';
const RAISE = 'give a larger GPU memory budget (--gpu-memory-budget; --dry-run shows the least)';
