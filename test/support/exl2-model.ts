import { readFileSync } from 'node:fs';
import { readPackedLinear } from '../../src/exl2/packed-linear.ts';
import type { WritableDirectory } from '../../src/io/bytes.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { planShard, writeSafetensors } from '../../src/io/safetensors/writer.ts';
import { resolveModel } from '../../src/model/resolve.ts';
import type { ModelSpec } from '../../src/model/spec.ts';
import type { HostTensor } from '../../src/tensor/dtype.ts';
import { toFloat } from '../../src/tensor/float-tensor.ts';
import { architectureConfig, GOLDEN_DIR, readJson } from './architectures.ts';
import { dequantizeLinear } from './exl2-linear.ts';
import { readSafetensors } from './safetensors.ts';

const QUANTIZATION = { quant_method: 'exl2', version: '0.3.2', bits: 4, head_bits: 6 };

/** ExLlamaV2's conversion of a tiny model, as a directory with its config.json. */
export function exl2Directory(name: string): WritableDirectory {
  const config = readJson(`${GOLDEN_DIR}/architectures/${name}/config.json`) as Record<string, unknown>;
  return memoryDirectory(`${name}-exl2`, {
    'config.json': JSON.stringify({ ...config, quantization_config: QUANTIZATION }),
    'output.safetensors': readFileSync(`${GOLDEN_DIR}/conversion/architectures/${name}/output.safetensors`),
  });
}

/** The same model with its weights dequantized, in f32, under the names of an unquantized model. */
export async function dequantizedDirectory(name: string): Promise<WritableDirectory> {
  const config = readJson(`${GOLDEN_DIR}/architectures/${name}/config.json`) as Record<string, unknown>;
  const directory = memoryDirectory(`${name}-dequantized`, {
    'config.json': JSON.stringify({ ...config, tie_word_embeddings: false }),
  });
  const path = `${GOLDEN_DIR}/conversion/architectures/${name}/output.safetensors`;
  const tensors = [...(await dequantizedTensors(path, resolveModel(architectureConfig(name)))).values()];
  await writeSafetensors(
    directory,
    planShard('model.safetensors', tensors),
    (tensor) => tensors.find((other) => other.name === tensor)!,
  );
  return directory;
}

/** As {@link dequantized}, of a file. */
export const dequantizedTensors = async (
  path: string,
  outline: ModelSpec,
): Promise<ReadonlyMap<string, HostTensor>> => dequantized(await readSafetensors(path), outline);

/** The weights (n, k) and the other tensors of an EXL2 model by the names of the unquantized model, all F32. */
export function dequantized(
  stored: ReadonlyMap<string, HostTensor>,
  outline: ModelSpec,
): ReadonlyMap<string, HostTensor> {
  const linears = [...outline.modules.flatMap((module) => module.linears), outline.head];
  const values = new Map<string, HostTensor>();
  const add = (tensor: string, shape: readonly number[], data: Float32Array) =>
    values.set(tensor, { name: tensor, dtype: 'F32', shape, data: new Uint8Array(data.slice().buffer) });
  for (const { key, k, n, bias } of linears) {
    const w = dequantizeLinear(
      key,
      readPackedLinear(key, (tensor) => stored.get(tensor)),
    );
    const padded = w.length / k;
    const transposed = Float32Array.from(
      { length: n * k },
      (_, i) => w[(i % k) * padded + Math.floor(i / k)]!,
    );
    add(`${key}.weight`, [n, k], transposed);
    if (bias) add(bias, [n], toFloat(stored.get(bias)!, 'EXL2 model').data.subarray(0, n));
  }
  for (const { name: tensor, shape } of storedOnce(outline)) {
    const { data } = toFloat(stored.get(tensor)!, 'EXL2 model');
    add(
      tensor,
      shape,
      data.subarray(
        0,
        shape.reduce((a, b) => a * b, 1),
      ),
    );
  }
  return values;
}

/** A norm that is stored once per head is the model's own norm that many times. */
const storedOnce = ({ stored }: ModelSpec) =>
  stored.map(({ name, shape, copies }) => ({ name, shape: copies === undefined ? shape : shape.slice(-1) }));
