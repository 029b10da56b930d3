import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { packedRowCount, resolveGroups, totalBits } from '../../src/exl2/groups.ts';
import {
  PACKED_TENSORS,
  type PackedLinear,
  packedTensorInfos,
  packedTensors,
  readPackedLinear,
} from '../../src/exl2/packed-linear.ts';
import type { QuantParams } from '../../src/exl2/params.ts';
import { paramsFromJson } from '../../src/exl2/params-json.ts';
import type { HostTensor } from '../../src/tensor/dtype.ts';
import { toFloat } from '../../src/tensor/float-tensor.ts';
import { GOLDEN_DIR } from '../support/architectures.ts';
import { dequantizeLinear, packLinear, type QuantizedLinear, unpackLinear } from '../support/exl2-linear.ts';
import { readSafetensors } from '../support/safetensors.ts';

const files = readdirSync(GOLDEN_DIR, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));
const linearFiles = files.filter((path) => /\/linear\/[^/]*\.safetensors$/.test(path));
const models = files.filter((path) => basename(path) === 'output.safetensors');

interface LinearCase {
  readonly index: number;
  readonly qparams: unknown;
  readonly total_bits: number;
  readonly relative_proxy_loss: number;
}

/** The cases that the header's metadata of a file in linear/ lists. */
function linearCases(path: string): LinearCase[] {
  const bytes = readFileSync(path);
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE(0))));
  return JSON.parse(header.__metadata__.cases);
}

/** Tensors by name and content, so that a difference names its tensor. */
const contents = (tensors: readonly HostTensor[]) =>
  Object.fromEntries(
    tensors.map(({ name, dtype, shape, data }) => [name, { dtype, shape, data: Buffer.from(data) }]),
  );

const originals = (key: string, tensors: ReadonlyMap<string, HostTensor>): HostTensor[] =>
  PACKED_TENSORS.map(([, name]) => tensors.get(`${key}.${name}`)!);

/** The same linear without the padding of its columns. */
function cropped(linear: QuantizedLinear, n: number): QuantizedLinear {
  const crop = <A extends Uint8Array | Uint32Array>(values: A) =>
    values.filter((_, i) => i % linear.n < n) as A;
  return { ...linear, n, codes: crop(linear.codes), scaleCodes: crop(linear.scaleCodes) };
}

function expectBitForBit(
  key: string,
  tensors: ReadonlyMap<string, HostTensor>,
  columns?: number,
): PackedLinear {
  const packed = readPackedLinear(key, (name) => tensors.get(name));
  const linear = unpackLinear(key, packed);
  const again = packLinear(cropped(linear, columns ?? packed.n));
  expect(contents(packedTensors(key, again))).toEqual(contents(originals(key, tensors)));
  return packed;
}

/** tr(D H Dᵀ) / tr(W H Wᵀ) with D = W − Q, for W (n, k) and Q (k, n'), as ExLlamaV2 reported it. */
function relativeProxyLoss(weight: Float32Array, quantized: Float32Array, hessian: Float32Array): number {
  const k = Math.sqrt(hessian.length);
  const padded = quantized.length / k;
  const quadratic = (row: Float32Array): number => {
    let sum = 0;
    for (let i = 0; i < k; i++) {
      let product = 0;
      for (let j = 0; j < k; j++) product += hessian[i * k + j]! * row[j]!;
      sum += row[i]! * product;
    }
    return sum;
  };
  let [loss, power] = [0, 0];
  for (let column = 0; column < weight.length / k; column++) {
    const row = weight.subarray(column * k, (column + 1) * k);
    loss += quadratic(row.map((value, i) => value - quantized[i * padded + column]!));
    power += quadratic(row);
  }
  return loss / power;
}

test.each(linearFiles)('%s: codes and tensors agree bit for bit', async (path) => {
  const tensors = await readSafetensors(path);
  const [n = 0, k = 0] = tensors.get('weight')!.shape;
  const perm = new Uint32Array(new Uint8Array(tensors.get('perm')!.data).buffer);
  const weight = toFloat(tensors.get('weight')!, path).data;
  const hessian = toFloat(tensors.get('hessian')!, path).data;
  for (const { index, qparams, total_bits, relative_proxy_loss } of linearCases(path)) {
    const params = paramsFromJson(qparams, `case ${index}`);
    const packed = expectBitForBit(String(index), tensors, n);
    const linear = unpackLinear(String(index), packed);
    expect(linear.perm).toEqual(perm);
    expect(linear.groups).toEqual(resolveGroups(k, params));
    expect(totalBits(k, n, params, false)).toBe(total_bits);
    expectInfos(String(index), k, n, params, tensors);
    const loss = relativeProxyLoss(weight, dequantizeLinear(String(index), packed), hessian);
    expect(Math.abs(loss / relative_proxy_loss - 1)).toBeLessThan(1e-3);
  }
});

function expectInfos(
  key: string,
  k: number,
  n: number,
  params: QuantParams,
  tensors: ReadonlyMap<string, HostTensor>,
): void {
  const infos = packedTensorInfos(key, k, n, params, tensors.has(`${key}.bias`));
  for (const { name, dtype, shape } of infos) {
    expect({ name, dtype: tensors.get(name)?.dtype, shape: tensors.get(name)?.shape }).toEqual({
      name,
      dtype,
      shape,
    });
  }
}

test.each(models)('%s: every linear packs to what it was unpacked from', async (path) => {
  const tensors = await readSafetensors(path);
  const keys = [...tensors.keys()].flatMap((name) => name.match(/^(.*)\.q_weight$/)?.[1] ?? []);
  expect(keys.length).toBeGreaterThan(0);
  for (const key of keys) {
    const packed = expectBitForBit(key, tensors);
    expect(packedRowCount(unpackLinear(key, packed).groups) * packed.n).toBe(packed.qWeight.length);
    expect(dequantizeLinear(key, packed).every(Number.isFinite)).toBe(true);
  }
});
