import type { RowShape } from '../../calibrate/rows.ts';
import { type ModelConfig, parseConfig } from '../../model/config/config.ts';
import { InputError } from '../../util/errors.ts';

/** Hidden size, MLP size, heads, key/value heads, layers, vocabulary; experts and how many a token goes to, head size. */
const SHAPES: Readonly<Record<string, string>> = {
  'llama-1b': '2048,5632,32,4,22,32000', // TinyLlama 1.1B
  'llama-8b': '4096,14336,32,8,32,128256', // Llama 3.1 8B
  'mixtral-8x7b': '4096,14336,32,8,32,32000,8,2',
  'qwen3-30b-a3b': '2048,768,32,4,48,151936,128,8,128',
};

/** Rows of the default calibration mix. */
export const DEFAULT_ROWS = '19,115,2048';
const ROW_LENGTH = 2048;
/** States of rows lie on the GPU at multiples of 256 bytes. */
const LENGTH_MULTIPLE = 32;

export const shapeNames = (): string => Object.keys(SHAPES).join(', ');

/** A Llama of this shape, or a Mixtral where it has experts, as config.json has it. `layers` replaces the shape's own. */
export function shapeConfig(shape: string, layers: number | undefined): ModelConfig {
  const what =
    `--shape ${shape}: expected ${shapeNames()} or hidden,mlp,heads,kv_heads,layers,vocabulary` +
    '[,experts,experts_per_token[,head_size]]';
  const numbers = wholeNumbers(SHAPES[shape] ?? shape, 6, 9, what);
  const [hidden, mlp, heads, kvHeads, own, vocabulary] = numbers;
  const [experts, perToken, headDim] = numbers.slice(6);
  if (experts !== undefined && perToken === undefined) throw new InputError(`${what}.`);
  try {
    return parseConfig({
      architectures: [experts === undefined ? 'LlamaForCausalLM' : 'MixtralForCausalLM'],
      ...{
        hidden_size: hidden,
        intermediate_size: mlp,
        num_hidden_layers: layers ?? own,
        vocab_size: vocabulary,
      },
      ...{ num_attention_heads: heads, num_key_value_heads: kvHeads, head_dim: headDim ?? null },
      ...(experts !== undefined && { num_local_experts: experts, num_experts_per_tok: perToken }),
      ...{ max_position_embeddings: 8192, rms_norm_eps: 1e-5, rope_theta: 500000, hidden_act: 'silu' },
      ...{ tie_word_embeddings: false, torch_dtype: 'float16' },
    });
  } catch (error) {
    throw new InputError(`--shape ${shape}: ${(error as Error).message}`);
  }
}

export interface BenchRows {
  readonly measurement: RowShape;
  readonly quantization: RowShape;
}

/** `19,115` or `19,115,2048`: rows to measure and to quantize with, and their tokens. */
export function parseRows(text: string): BenchRows {
  const what = `--rows ${text}: expected measurement,quantization[,tokens], such as ${DEFAULT_ROWS}`;
  const [measurement, quantization, length = ROW_LENGTH] = wholeNumbers(text, 2, 3, what) as [
    number,
    number,
    number?,
  ];
  if (length % LENGTH_MULTIPLE !== 0) {
    throw new InputError(`--rows ${text}: the tokens of a row must be a multiple of ${LENGTH_MULTIPLE}.`);
  }
  return { measurement: { rows: measurement, length }, quantization: { rows: quantization, length } };
}

function wholeNumbers(text: string, least: number, most: number, what: string): number[] {
  const numbers = text.split(',').map((part) => (/^\d+$/.test(part.trim()) ? Number(part) : 0));
  if (numbers.length < least || numbers.length > most || numbers.some((number) => number < 1)) {
    throw new InputError(`${what}.`);
  }
  return numbers;
}
