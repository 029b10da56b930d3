import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { panelRanges, triangleSize } from '../../src/gpu/matrix/panels.ts';
import { type Scope, withScope } from '../../src/gpu/scope.ts';
import { HessianSums, putSum, type SumPiece } from '../../src/pass/sums/hessian-sums.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats } from '../support/random.ts';
import { readTriangle } from '../support/triangle.ts';

/** Multiples of no size that the kernels work in. */
const SIZES = new Map([
  ['postNorm', 67],
  ['preDown', 131],
] as const);
type Input = 'postNorm' | 'preDown';
type Totals = ReadonlyMap<Input, Uint8Array<ArrayBuffer>>;
const PART_TOKENS = [5, 1, 9, 3];
/** Which half of all parts each belongs to. */
/** So that the wider one has two panels. */
const PANEL_BYTES_HERE = 128 * 131 * 4;
const HALVES = [0, 0, 1, 1];
const PARTS = PART_TOKENS.map((_, part) => part);

/** Three additions of f32, and the rounding of each part, of numbers that may cancel. */
const TOLERANCE = 7 * 2 ** -24;

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
  gpu.panelBytes = PANEL_BYTES_HERE;
});
afterAll(() => gpu.destroy());

/** Linear inputs (tokens, k) of a part, with outliers. */
const inputs = (k: number, part: number) => randomFloats(PART_TOKENS[part]! * k, k + part);

/** xᵀx in f64, packed, and with magnitudes instead of the numbers. */
function triangle(k: number, x: Float32Array, of: (product: number) => number = (product) => product) {
  const sum = new Float64Array((k * (k + 1)) / 2);
  for (let token = 0; token < x.length; token += k) {
    for (let i = 0, at = 0; i < k; i++)
      for (let j = 0; j <= i; j++, at++) sum[at]! += of(x[token + i]! * x[token + j]!);
  }
  return sum;
}

/** Rows start … end − 1 of a square (k, k), up to the last one's diagonal. */
const panelOf = (square: Float32Array, k: number, start: number, end: number): Float32Array<ArrayBuffer> =>
  Float32Array.from(
    { length: (end - start) * end },
    (_, i) => square[(start + Math.floor(i / end)) * k + (i % end)]!,
  );

/** The lower triangle, row after row, of the bytes of panels after each other. */
function lower(bytes: Uint8Array<ArrayBuffer>, k: number): number[] {
  const values = new Float32Array(bytes.slice().buffer);
  let at = 0;
  return panelRanges(k, PANEL_BYTES_HERE).flatMap(({ start, end }) => {
    const rows = Array.from({ length: end - start }, (_, i) => [
      ...values.subarray(at + i * end, at + i * end + start + i + 1),
    ]);
    at += (end - start) * end;
    return rows.flat();
  });
}

/** Puts a part's sum where the GPU would make it; what is above the diagonal means nothing. */
function sumPart(sums: HessianSums, part: number): void {
  for (const [name, k] of SIZES) {
    const packed = triangle(k, inputs(k, part));
    const square = new Float32Array(k * k).fill(Number.NaN);
    for (let i = 0, at = 0; i < k; i++) for (let j = 0; j <= i; j++) square[i * k + j] = packed[at++]!;
    for (const { start, end, tensor } of sums.sums.get(name)!.panels)
      gpu.write(tensor, panelOf(square, k, start, end));
  }
  sums.endPart(HALVES[part]!);
}

const newSums = (scope: Scope) => new HessianSums(gpu, scope, 'test', SIZES);

interface SentPiece {
  readonly piece: SumPiece;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What a worker with these parts sends. */
const workerSums = (parts: readonly number[]): Promise<SentPiece[]> =>
  withScope(gpu, async (scope) => {
    const sums = newSums(scope);
    for (const part of parts) sumPart(sums, part);
    const sent: SentPiece[] = [];
    for (const piece of sums.pieces) {
      const bytes = new Uint8Array(piece.end - piece.start);
      await sums.readPiece(piece, bytes);
      sent.push({ piece, bytes });
    }
    return sent;
  });

/** The totals of all parts, shared among a leader and other workers; the latter's come in before or after its own. */
const totals = ([own, ...others]: readonly (readonly number[])[], before = false): Promise<Totals> =>
  withScope(gpu, async (scope) => {
    const shared = await Promise.all(others.map(workerSums));
    const sums = newSums(scope);
    const add = async () => {
      for (const { piece, bytes } of shared.flat()) await sums.addPiece(piece, bytes);
    };
    if (before) await add();
    for (const part of own!) sumPart(sums, part);
    if (!before) await add();
    sums.finish();
    return new Map([
      ['postNorm', await sums.read('postNorm')],
      ['preDown', await sums.read('preDown')],
    ]);
  });

const floats = (sums: Totals, name: Input) => Float32Array.from(lower(sums.get(name)!, SIZES.get(name)!));

test('the sum over all parts is the f64 one', async () => {
  const all = await totals([PARTS]);
  for (const [name, k] of SIZES) {
    const parts = PARTS.map((part) => inputs(k, part));
    const expected = parts.map((x) => triangle(k, x));
    const magnitudes = parts.map((x) => triangle(k, x, Math.abs));
    const at = (sums: readonly Float64Array[], i: number) => sums.reduce((sum, part) => sum + part[i]!, 0);
    const actual = floats(all, name);
    expect(actual).toHaveLength((k * (k + 1)) / 2);
    const errors = Array.from(actual, (x, i) => Math.abs(x - at(expected, i)) / at(magnitudes, i));
    expect(Math.max(...errors), name).toBeLessThan(TOLERANCE);
  }
});

test('it is the same to the bit whoever sums which parts', async () => {
  const alone = await totals([PARTS]);
  const shares = [
    ...[
      [[0, 1, 2], [3]],
      [
        [0, 1],
        [2, 3],
      ],
      [[0], [1, 2, 3]],
      [[0, 1], [2], [3]],
    ],
    ...[
      [[0], [1, 2], [3]],
      [[0], [1], [2, 3]],
      [[0], [1], [2], [3]],
    ],
  ];
  for (const share of shares) {
    for (const before of [false, true]) {
      const shared = await totals(share, before);
      for (const name of SIZES.keys())
        expect(floats(shared, name), `${JSON.stringify(share)} ${before}`).toEqual(floats(alone, name));
    }
  }
});

test('a sum that is put on a GPU, or finished there, is the one that was sent', async () => {
  const sent = await workerSums([2]);
  for (const [name, k] of SIZES) {
    const own = sent.filter((one) => one.piece.input === name);
    expect(own).toHaveLength(name === 'preDown' ? 2 : 1);
    const bytes = new Uint8Array(own.flatMap((one) => [...one.bytes]));
    expect(own.at(-1)!.piece).toMatchObject({ half: 1, end: bytes.length });
    expect(bytes.length).toBe(4 * triangleSize(k, PANEL_BYTES_HERE));
    const triangles = await withScope(gpu, async (scope) => {
      const sums = newSums(scope);
      for (const one of own) await sums.addPiece(one.piece, one.bytes);
      sums.finish();
      const put = await putSum(gpu, scope, bytes, k);
      return [await readTriangle(gpu, put), await readTriangle(gpu, sums.sums.get(name)!)];
    });
    for (const values of triangles) {
      const rows = Array.from({ length: k }, (_, i) => [...values.subarray(i * k, i * k + i + 1)]);
      expect(rows.flat(), name).toEqual(lower(bytes, k));
    }
  }
});
