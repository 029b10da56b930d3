import { f16BitsToF32, f32ToF16Bits } from '../util/half.ts';
import { type PackedLinear, packedGroups } from './packed-linear.ts';
import { firstWords } from './packing.ts';

/** Rows of a chunk: at any width they fill whole words, and groups consist of whole chunks. */
const CHUNK_ROWS = 32;

/**
 * What the kernels that read packed weights know of each 32 rows (shaders/lib/packed.wgsl), (k/32, 4):
 * first packed row, bits, group, f32 bits of f16(scale unit / 256).
 * @throws InputError when q_groups is damaged; `key` names the linear.
 */
export function chunkTable(key: string, packed: PackedLinear): Uint32Array<ArrayBuffer> {
  const table = new Uint32Array((packed.k / CHUNK_ROWS) * 4);
  const units = new Float32Array(table.buffer);
  const groups = packedGroups(key, packed);
  const first = firstWords(groups);
  for (const [index, group] of groups.entries()) {
    const unit = f16BitsToF32(f32ToF16Bits(f16BitsToF32(packed.qScaleMax[index]!) / 256));
    for (let row = group.start; row < group.end; row += CHUNK_ROWS) {
      const at = (row / CHUNK_ROWS) * 4;
      const words = ((row - group.start) * group.bits) / 32;
      table.set([first[index]! + words, group.bits, index], at);
      units[at + 3] = unit;
    }
  }
  return table;
}
