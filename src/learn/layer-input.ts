/** What the first attention block of a Llama model reads: no layer has to be run for it. */

import type { ReadableDirectory } from '../io/bytes.ts';
import { isJsonObject, readJsonFile } from '../io/json/json.ts';
import { openSafetensors, type SafetensorsFile } from '../io/safetensors/reader.ts';
import { toFloat } from '../tensor/float-tensor.ts';
import { InputError } from '../util/errors.ts';

/** Embedding and norm in front of the first attention block. */
export interface InputLayer {
  /** Width of the states, k. */
  readonly k: number;
  /** (vocabulary, k). */
  readonly embedding: Float32Array;
  /** (k). */
  readonly norm: Float32Array;
  /** Added to the mean square before its root is taken. */
  readonly epsilon: number;
}

/** The tensors of a model that lessons are about. */
export interface LessonTensors {
  readonly layer: InputLayer;
  /** Of a linear (n, k) as the file has it; `rows` of its outputs. */
  outputs(linear: string, rows: { readonly start: number; readonly end: number }): Promise<Float32Array>;
}

/** Opens a Llama model of one file. Throws InputError when something of it is missing. */
export async function openLessonTensors(model: ReadableDirectory): Promise<LessonTensors> {
  const [config, weights] = await Promise.all([
    model.open('config.json').then((source) => source && readJsonFile(source)),
    model.open('model.safetensors').then((source) => source && openSafetensors(source)),
  ]);
  if (!isJsonObject(config) || !weights) {
    throw new InputError(`${model.name} lacks config.json or model.safetensors: load the page again.`);
  }
  const [embedding, norm] = await Promise.all([
    readFloats(weights, model.name, 'model.embed_tokens.weight'),
    readFloats(weights, model.name, 'model.layers.0.input_layernorm.weight'),
  ]);
  return {
    layer: { k: norm.length, embedding, norm, epsilon: Number(config['rms_norm_eps']) },
    async outputs(linear, { start, end }) {
      const tensor = await weights.readRows(`model.layers.0.self_attn.${linear}.weight`, start, end);
      return toFloat(tensor, model.name).data;
    },
  };
}

const readFloats = async (file: SafetensorsFile, place: string, name: string): Promise<Float32Array> =>
  toFloat(await file.read(name), place).data;

/** x (tokens, k): each token's embedding, divided by its root mean square and scaled by the norm's weights. */
export function layerInput(
  { k, embedding, norm, epsilon }: InputLayer,
  ids: ArrayLike<number>,
): Float32Array {
  const x = new Float32Array(ids.length * k);
  for (let token = 0; token < ids.length; token++) {
    const row = embedding.subarray(ids[token]! * k, (ids[token]! + 1) * k);
    const power = row.reduce((sum, value) => sum + value * value, 0) / k;
    const factor = 1 / Math.sqrt(power + epsilon);
    for (let i = 0; i < k; i++) x[token * k + i] = row[i]! * factor * norm[i]!;
  }
  return x;
}
