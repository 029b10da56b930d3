import { readFileSync } from 'node:fs';
import type { CalibrationRows, RowShape } from '../../src/calibrate/rows.ts';
import type { ReadableDirectory } from '../../src/io/bytes.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { planShard, writeSafetensors } from '../../src/io/safetensors/writer.ts';
import { parseConfig } from '../../src/model/config/config.ts';
import { resolveModel } from '../../src/model/resolve.ts';
import type { HostTensor } from '../../src/tensor/dtype.ts';
import { f32ToF16Array } from '../../src/util/half.ts';
import { gaussian, seededRandom } from '../../src/util/random.ts';

/**
 * A tiny Llama of random weights with *massive activations*, as trained language models have them: one neuron of an
 * early MLP fires on the first token of a row alone and writes a state about a thousand times as large as all others
 * into one channel, where it stays to the end. Its twin is the same model, whose neuron writes nothing.
 *
 * Rows begin with {@link BOS}, which is nowhere else. Two channels are quiet: other tokens have a hundredth of the usual
 * there, and norms before linears, all but one, let hardly anything through. `TELLING` tells the first token, whose
 * embedding is all in it; `MASSIVE` is where the neuron writes. So to attention and MLPs the first token is next to
 * nothing in both models, and all other tokens are the same.
 */

const HIDDEN = 128;
const INTERMEDIATE = 192;
const VOCABULARY = 320;
const SEED = 17;
const TOKENIZER = 'test/fixtures/golden/architectures/tokenizer';

const CONFIG = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: HIDDEN,
  intermediate_size: INTERMEDIATE,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  num_hidden_layers: 4,
  vocab_size: VOCABULARY,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  hidden_act: 'silu',
  tie_word_embeddings: false,
  torch_dtype: 'float16',
  bos_token_id: 1,
  eos_token_id: 2,
};

/** The first token of every row. */
export const BOS = CONFIG.bos_token_id;
/** Ids of unknown, beginning and end; the others are text. */
const SPECIAL_IDS = 3;

/** The module with the neuron; two layers follow it. */
export const MASSIVE_MLP = 'model.layers.1.mlp';
const MASSIVE_NORM = 'model.layers.1.post_attention_layernorm.weight';
const NEURON = 11;
/** Channel of the residual stream in which the first token is told from the others. */
const TELLING = 5;
/** Channel of the massive state. */
export const MASSIVE = 37;
const QUIET_CHANNELS = [TELLING, MASSIVE] as const;

/** Of an embedding's channel; a token's state is √HIDDEN times as large. */
const EMBEDDING_DEVIATION = 2;
const QUIET = 0.01;
/** Weight of the norms for the quiet channels; for all others it is 1. */
const MUFFLED = 0.02;
/** Of the norm before the massive MLP, for the channel that tells: the neuron's gate and up are 154 each. */
const LOUD = 8;
const NEURON_WEIGHT = 1.7;

/** A matrix (rows, columns), row-major. */
class Matrix {
  readonly values: Float32Array;
  readonly columns: number;

  constructor([rows, columns]: readonly [number, number], next: () => number) {
    this.columns = columns;
    this.values = Float32Array.from({ length: rows * columns }, next);
  }

  set(row: number, column: number, value: number): void {
    this.values[row * this.columns + column] = value;
  }

  scaleRow(row: number, factor: number): void {
    for (let column = 0; column < this.columns; column++) this.#scale(row, column, factor);
  }

  scaleColumn(column: number, factor: number): void {
    for (let row = 0; row < this.values.length / this.columns; row++) this.#scale(row, column, factor);
  }

  #scale(row: number, column: number, factor: number): void {
    this.values[row * this.columns + column]! *= factor;
  }
}

/** The model, or its twin, with a tokenizer; about 1 MB, always the same. */
export async function massiveModel({ massive }: { readonly massive: boolean }): Promise<ReadableDirectory> {
  const tokenizer = ['tokenizer.json', 'tokenizer_config.json'].map(
    (name) => [name, readFileSync(`${TOKENIZER}/${name}`)] as const,
  );
  const directory = memoryDirectory(massive ? 'massive' : 'twin', {
    'config.json': JSON.stringify(CONFIG),
    ...Object.fromEntries(tokenizer),
  });
  const tensors = massiveTensors(massive);
  await writeSafetensors(
    directory,
    planShard('model.safetensors', [...tensors.values()]),
    (name) => tensors.get(name)!,
  );
  return directory;
}

/** Rows that begin with {@link BOS}, of random text tokens; always the same for a seed. */
export function massiveRows({ rows, length }: RowShape, seed: number): CalibrationRows {
  const random = seededRandom(seed);
  const ids = Int32Array.from({ length: rows * length }, (_, i) =>
    i % length === 0 ? BOS : SPECIAL_IDS + Math.floor(random() * (VOCABULARY - SPECIAL_IDS)),
  );
  return { rows, length, ids, sources: new Array<string>(rows).fill('random tokens') };
}

function massiveTensors(massive: boolean): ReadonlyMap<string, HostTensor> {
  const normal = gaussian(seededRandom(SEED));
  const { modules, head, embedding, finalNorm } = resolveModel(parseConfig(CONFIG));
  const tensors = new Map<string, HostTensor>();
  const add = (name: string, shape: readonly number[], values: Float32Array) =>
    tensors.set(name, { name, dtype: 'F16', shape, data: new Uint8Array(f32ToF16Array(values).buffer) });

  add(embedding, [VOCABULARY, HIDDEN], embeddings(normal).values);
  for (const { key, norm, linears } of modules) {
    add(norm.weight, [HIDDEN], normWeights(norm.weight === MASSIVE_NORM ? LOUD : MUFFLED));
    for (const { name, weight, n, k } of linears) {
      const matrix = new Matrix([n, k], () => normal() / Math.sqrt(k));
      if (name === 'o_proj' || name === 'down_proj')
        for (const channel of QUIET_CHANNELS) matrix.scaleRow(channel, QUIET);
      if (key === MASSIVE_MLP) addNeuron(name, matrix, massive);
      add(weight, [n, k], matrix.values);
    }
  }
  add(finalNorm.weight, [HIDDEN], normWeights(MUFFLED));
  // Logits with a deviation of 2, so that a model is sure of some tokens.
  add(
    head.weight,
    [head.n, head.k],
    new Matrix([head.n, head.k], () => (2 * normal()) / Math.sqrt(head.k)).values,
  );
  return tensors;
}

/** All tokens' states are equally large at first. */
function embeddings(normal: () => number): Matrix {
  const matrix = new Matrix([VOCABULARY, HIDDEN], () => EMBEDDING_DEVIATION * normal());
  for (const channel of QUIET_CHANNELS) matrix.scaleColumn(channel, QUIET);
  matrix.scaleRow(BOS, QUIET);
  matrix.set(BOS, TELLING, EMBEDDING_DEVIATION * Math.sqrt(HIDDEN));
  return matrix;
}

function normWeights(telling: number): Float32Array {
  const weights = new Float32Array(HIDDEN).fill(1);
  weights[TELLING] = telling;
  weights[MASSIVE] = MUFFLED;
  return weights;
}

/** In the massive MLP one neuron reads the channel that tells, and nothing else; no other neuron reads it. */
function addNeuron(linear: string, matrix: Matrix, massive: boolean): void {
  if (linear === 'down_proj') {
    matrix.scaleColumn(NEURON, 0);
    if (massive) matrix.set(MASSIVE, NEURON, 1);
  } else {
    matrix.scaleColumn(TELLING, 0);
    matrix.scaleRow(NEURON, 0);
    matrix.set(NEURON, TELLING, NEURON_WEIGHT);
  }
}
