import { readFileSync } from 'node:fs';
import { type ModelConfig, parseConfig } from '../../src/model/config/config.ts';
import { buildPlan } from '../../src/model/plan.ts';
import type { ModelPlan } from '../../src/model/spec.ts';
import type { HostTensor } from '../../src/tensor/dtype.ts';
import { toFloat } from '../../src/tensor/float-tensor.ts';
import { readSafetensors } from './safetensors.ts';

/** Reference data from ExLlamaV2 and transformers; the environment may name a folder with more of it. */
export const { GOLDEN_DIR = 'test/fixtures/golden' } = process.env;

/** Tiny random models, one per supported feature. */
export const ARCHITECTURE_NAMES = [
  'llama3_rope',
  'llama_tied_bias',
  'llama_linear_rope',
  'mistral',
  'qwen2',
  'qwen3',
  'yi',
  'granite',
  'internlm2',
  'phi3',
] as const;

export const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

export const architectureConfig = (name: string): ModelConfig =>
  parseConfig(readJson(`${GOLDEN_DIR}/architectures/${name}/config.json`));

export interface GoldenModel {
  readonly plan: ModelPlan;
  readonly tensors: ReadonlyMap<string, HostTensor>;
  readonly weight: (name: string) => Float32Array;
}

export async function architectureModel(name: string): Promise<GoldenModel> {
  const path = `${GOLDEN_DIR}/architectures/${name}/model.safetensors`;
  const tensors = await readSafetensors(path);
  const weights = new Map([...tensors].map(([key, tensor]) => [key, toFloat(tensor, path).data]));
  const weight = (key: string): Float32Array => {
    const values = weights.get(key);
    if (!values) throw new Error(`${path} has no ${key}`);
    return values;
  };
  return { plan: buildPlan(architectureConfig(name), tensors), tensors, weight };
}

/** What transformers computes in f32 for the first row of token ids. */
export interface GoldenForward {
  readonly ids: Int32Array;
  /** (m, hidden) before each layer; the last one after the final norm. */
  readonly hiddenStates: readonly Float32Array[];
  /** (m, vocab). */
  readonly logits: Float32Array;
}

export async function architectureForward(name: string): Promise<GoldenForward> {
  const path = `${GOLDEN_DIR}/architectures/${name}/reference.safetensors`;
  const tensors = await readSafetensors(path);
  const firstRow = (key: string): Uint8Array<ArrayBuffer> => {
    const { data, shape } = tensors.get(key)!;
    return new Uint8Array(data).slice(0, data.length / shape[0]!);
  };
  const floats = (key: string): Float32Array => new Float32Array(firstRow(key).buffer);
  const states = [...tensors.keys()].filter((key) => key.startsWith('hidden_states.'));
  return {
    ids: new Int32Array(firstRow('input_ids').buffer),
    hiddenStates: states.map((_, i) => floats(`hidden_states.${i}`)),
    logits: floats('logits'),
  };
}

/** Normalized mean squared error, Σ(actual − expected)² / Σ expected². */
export function nmse(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length)
    throw new Error(`${actual.length} values, expected ${expected.length}`);
  let error = 0;
  let power = 0;
  for (let i = 0; i < expected.length; i++) {
    error += (actual[i]! - expected[i]!) ** 2;
    power += expected[i]! ** 2;
  }
  return error / power;
}
