import type { Group } from '../../../src/exl2/params.ts';
import { type InspectedLinear, type LinearPlace, shownPlaces } from '../../../src/learn/kept/inspected.ts';
import type { JobRecord } from '../../../workers/api/jobs.ts';

/** What a job would have kept of a linear: the power of its inputs falls, and some are loud. */
export function mockInspected(record: JobRecord, bits: number, place: LinearPlace): InspectedLinear {
  const module = record.model.modules.find(({ key }) => key === place.module)!;
  const { k, n } = module.linears.find(({ name }) => name === place.name)!;
  const heard = { stage: 'quantize' as const, tokens: 38_912, diagonal: diagonalOf(k), blocks: blocksOf() };
  const isMade = record.results.some((result) => result.bits === bits);
  return {
    key: `${place.module}.${place.name}`,
    ...{ k, n },
    ...(record.measured && { heard }),
    ...(isMade && { rounded: roundedOf(heard.diagonal) }),
  };
}

const wave = (i: number): number => Math.sin(i * 12.9898) * 0.5 + Math.sin(i * 4.1414) * 0.5;

const diagonalOf = (k: number): Float32Array =>
  Float32Array.from({ length: k }, (_, i) => 38_912 * (0.1 + wave(i) ** 2 + (i % 97 === 5 ? 6 : 0)));

const blocksOf = (): Float32Array =>
  Float32Array.from({ length: 64 * 64 }, (_, at) => {
    const [a, b] = [Math.floor(at / 64), at % 64];
    return Math.abs(wave(a) * wave(b)) + (a === b ? 0.6 : 0);
  });

function roundedOf(diagonal: Float32Array) {
  const k = diagonal.length;
  const order = Uint32Array.from(diagonal.keys()).sort((a, b) => diagonal[b]! - diagonal[a]!);
  const groups = Array.from(
    { length: k / 32 },
    (_, i): Group => ({
      bits: i * 10 < k / 32 ? 4 : 3,
      start: i * 32,
      end: i * 32 + 32,
    }),
  );
  const places = shownPlaces(k);
  const inputs = places.map((row) => order[row]!);
  const bitsAt = (i: number) => groups.find(({ end }) => places[Math.floor(i / 32)]! < end)!.bits;
  const original = Float32Array.from({ length: places.length * 32 }, (_, i) => 0.06 * wave(i + 0.3));
  const scales = original.map((_, i) => 0.08 / 2 ** bitsAt(i));
  const codes = Uint8Array.from(original, (value, i) => {
    const zero = 2 ** (bitsAt(i) - 1);
    return Math.min(2 * zero - 1, Math.max(0, Math.round(value / scales[i]!) + zero));
  });
  const values = original.map((_, i) => (codes[i]! - 2 ** (bitsAt(i) - 1)) * scales[i]!);
  const scaleCodes = codes.map((_, i) => 9 + (i % 7));
  return { columns: 32, groups, places, inputs, codes, scaleCodes, scales, values, original };
}
