import { type TellShortage, withEnoughMemory } from '../gpu/enough-memory.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { HiddenStates } from '../model/gpu/states/states.ts';
import { StatesRoom } from '../model/gpu/states/states-room.ts';
import type { TokenRows } from './token-statistics.ts';

/**
 * States of rows that a model has been run on before; in main memory, where the GPU has none for them.
 * @param readRow gives a row's, (length, hidden), to be kept. @returns the caller frees them.
 */
export function statesOf(
  gpu: Gpu,
  { rows, length }: Pick<TokenRows, 'rows' | 'length'>,
  hidden: number,
  readRow: (row: number) => Float32Array<ArrayBuffer>,
  tell?: TellShortage,
): Promise<HiddenStates> {
  const room = new StatesRoom();
  return withEnoughMemory(gpu, { what: 'kept states', movable: [room], tell }, async () => {
    const kept = room.of(undefined);
    const options = kept === undefined ? {} : { room: kept };
    const states = gpu.memory.allOrNone(() => new HiddenStates(gpu, rows, length, hidden, options));
    try {
      for (let row = 0; row < rows; row++) await states.writeRow(row, readRow(row));
      await gpu.sync();
      return states;
    } catch (error) {
      await states.free();
      throw error;
    }
  });
}
