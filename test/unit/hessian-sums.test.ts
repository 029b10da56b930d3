import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { type Scope, withScope } from '../../src/gpu/scope.ts';
import { HessianSums, putSum, type SumPiece } from '../../src/pass/sums/hessian-sums.ts';
import { testGpu } from '../support/gpu.ts';
import { randomFloats } from '../support/random.ts';

/** Multiples of no size that the kernels work in. */
const SIZES = new Map([
  ['postNorm', 67],
  ['preDown', 131],
] as const);
type Input = 'postNorm' | 'preDown';
type Totals = ReadonlyMap<Input, Uint8Array<ArrayBuffer>>;
const PART_TOKENS = [5, 1, 9, 3];
/** Which half of all parts each belongs to. */
const HALVES = [0, 0, 1, 1];
const PARTS = PART_TOKENS.map((_, part) => part);

/** Three additions of f32, and the rounding of each part, of numbers that may cancel. */
const TOLERANCE = 7 * 2 ** -24;

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
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

/** Puts a part's sum into the squares, where the GPU would make it; what is above the diagonal means nothing. */
function sumPart(sums: HessianSums, part: number): void {
  for (const [name, k] of SIZES) {
    const packed = triangle(k, inputs(k, part));
    const square = new Float32Array(k * k).fill(Number.NaN);
    for (let i = 0, at = 0; i < k; i++) for (let j = 0; j <= i; j++) square[i * k + j] = packed[at++]!;
    gpu.write(sums.squares.get(name)!, square);
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

const floats = (sums: Totals, name: Input) => new Float32Array(sums.get(name)!.buffer);

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
      expect(await totals(share, before), `${JSON.stringify(share)} ${before}`).toEqual(alone);
    }
  }
});

test('a sum that is put on a GPU, or finished there, is the lower triangle of the square', async () => {
  const sent = await workerSums([2]);
  for (const [name, k] of SIZES) {
    const { piece, bytes } = sent.find((one) => one.piece.input === name)!;
    expect(piece).toMatchObject({ half: 1, input: name, start: 0, end: (k * (k + 1) * 4) / 2 });
    const squares = await withScope(gpu, async (scope) => {
      const sums = newSums(scope);
      await sums.addPiece(piece, bytes);
      sums.finish();
      const put = await putSum(gpu, scope, bytes, k);
      return [await gpu.read(put), await gpu.read(sums.squares.get(name)!)];
    });
    for (const square of squares) {
      const values = new Float32Array(square);
      const rows = Array.from({ length: k }, (_, i) => [...values.subarray(i * k, i * k + i + 1)]);
      expect(rows.flat(), name).toEqual([...new Float32Array(bytes.buffer)]);
    }
  }
});
