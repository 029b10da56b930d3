import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareTokens } from '../../src/evaluate/compare-models.ts';
import { finalStates } from '../../src/evaluate/final-states.ts';
import { summarize } from '../../src/evaluate/metrics.ts';
import { documentRows, splitDocuments } from '../../src/evaluate/text-rows.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { withScope } from '../../src/gpu/scope.ts';
import { LanguageModel } from '../../src/inference/language-model.ts';
import { nodeDirectory } from '../../src/io/platform/node/node-directory.ts';
import type { ModelConfig } from '../../src/model/config/config.ts';
import { resolveModel } from '../../src/model/resolve.ts';
import { referenceForward } from '../../src/reference/model.ts';
import { openRunnableModel } from '../../src/runnable/runnable-model.ts';
import { toFloat } from '../../src/tensor/float-tensor.ts';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.ts';
import {
  ARCHITECTURE_NAMES,
  architectureConfig,
  architectureForward,
  GOLDEN_DIR,
  nmse,
} from '../support/architectures.ts';
import { dequantizedDirectory, dequantizedTensors, exl2Directory } from '../support/exl2-model.ts';
import { testGpu } from '../support/gpu.ts';
import { readSafetensors } from '../support/safetensors.ts';

/** Architectures whose conversion by ExLlamaV2 is at hand: one in the fixtures, all in the complete reference data. */
const NAMES = ARCHITECTURE_NAMES.filter((name) =>
  existsSync(`${GOLDEN_DIR}/conversion/architectures/${name}/output.safetensors`),
);

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.destroy());

const fileOf = (name: string) => `${GOLDEN_DIR}/conversion/architectures/${name}/output.safetensors`;

/** What an EXL2 file makes of the ids, with its weights dequantized, in f64. */
async function reference(path: string, config: ModelConfig, ids: ArrayLike<number>) {
  const outline = resolveModel({ ...config, tiedEmbeddings: false });
  const tensors = await dequantizedTensors(path, outline);
  const weights = new Map([...tensors].map(([key, tensor]) => [key, toFloat(tensor, key).data]));
  return referenceForward(outline, (key) => weights.get(key)!, ids);
}

/** Logits (m, vocabulary) of every token, by running it alone with what is cached of those before. */
async function logitsOneByOne(model: LanguageModel, ids: readonly number[]): Promise<number[]> {
  return withScope(gpu, async (scope) => {
    const cache = model.newCache(scope, ids.length);
    const logits: number[] = [];
    for (const id of ids) logits.push(...(await model.next([id], cache)));
    return logits;
  });
}

describe.each(NAMES)('ExLlamaV2’s conversion of %s', (name) => {
  test('perplexity and divergence are those of the dequantized weights in f64', async () => {
    const { ids } = await architectureForward(name);
    const rows = { rows: 1, length: ids.length, ids };
    const packed = await openRunnableModel(exl2Directory(name));
    const plain = await openRunnableModel(await dequantizedDirectory(name));
    expect([packed.quantization?.bits, plain.quantization]).toEqual([4, undefined]);
    const a = { model: plain, states: await finalStates(gpu, plain, rows) };
    const b = { model: packed, states: await finalStates(gpu, packed, rows) };
    const metrics = summarize(await compareTokens(gpu, a, b, rows), 1, ids.length);
    await a.states.free();
    await b.states.free();
    expect(gpu.memory.used).toBe(0);

    const { logits } = await reference(fileOf(name), architectureConfig(name), ids);
    const expected = perplexity(logits, ids);
    expect(Math.abs(metrics.perplexity.model / expected - 1)).toBeLessThan(1e-4);
    expect(Math.abs(metrics.perplexity.reference / expected - 1)).toBeLessThan(1e-4);
    expect(metrics.divergence.mean).toBeLessThan(1e-5);
    expect(metrics.agreement).toBeGreaterThan(0.98);
  });

  test('logits of packed and of dequantized weights are the same, token by token and all at once', async () => {
    const { ids } = await architectureForward(name);
    const few = [...ids.slice(0, 20)];
    const packed = await LanguageModel.load(gpu, await openRunnableModel(exl2Directory(name)));
    const plain = await LanguageModel.load(gpu, await openRunnableModel(await dequantizedDirectory(name)));
    const own = await logitsOneByOne(packed, few);
    const { logits } = await reference(fileOf(name), architectureConfig(name), few);
    // Below the 1e-6 that is asked for: the weights are the same halves.
    expect(nmse(own, logits)).toBeLessThan(1e-9);
    expect(nmse(await logitsOneByOne(plain, few), logits)).toBeLessThan(1e-9);
    const last = await withScope(gpu, (scope) => packed.next(few, packed.newCache(scope, few.length)));
    expect(nmse(last, logits.slice(-last.length))).toBeLessThan(1e-9);
    packed.free();
    plain.free();
    expect(gpu.memory.used).toBe(0);
  });
});

// ExLlamaV2's forward pass is no reference for the sliding windows of mistral, the head norms of qwen3, and the biases
// of a quantized MLP in llama_tied_bias, where ours agrees with f64 above (an NMSE of 1e-2 between the two).
const INCOMPARABLE: readonly string[] = ['mistral', 'qwen3', 'llama_tied_bias'];
const COMPARABLE = NAMES.filter((name) =>
  existsSync(`${GOLDEN_DIR}/conversion/architectures/${name}/exllamav2_logits.safetensors`),
).filter((name) => !INCOMPARABLE.includes(name));

test.runIf(COMPARABLE.length > 0).each(COMPARABLE)(
  '%s gives the logits that ExLlamaV2 gives',
  async (name) => {
    const folder = `${GOLDEN_DIR}/conversion/architectures/${name}`;
    const { ids } = await architectureForward(name);
    const golden = (await readSafetensors(`${folder}/exllamav2_logits.safetensors`)).get('logits')!;
    const expected = toFloat(golden, name).data.subarray(0, golden.shape[1]! * golden.shape[2]!);
    const model = await LanguageModel.load(gpu, await openRunnableModel(nodeDirectory(folder)));
    const own = await logitsOneByOne(model, [...ids]);
    model.free();
    const error = nmse(own, expected);
    console.log(`${name}: NMSE to ExLlamaV2's f16 logits ${error.toExponential(2)}`);
    expect(error).toBeLessThan(1e-4);
  },
);

// The models that ExLlamaV2 made of the bundled one; they are too large for the fixtures.
const BITS = ['2.5', '4.0'].filter((bits) =>
  existsSync(`${GOLDEN_DIR}/exl2/exl2-${bits}/output.safetensors`),
);

test.runIf(BITS.length > 0).each(BITS)('the perplexity at %s bpw is that of f64', async (bits) => {
  const folder = nodeDirectory(`${GOLDEN_DIR}/exl2/exl2-${bits}`);
  const model = await openRunnableModel(folder);
  const tokenizer = await loadTokenizer(nodeDirectory('public/models/tinystories-7m'));
  const documents = splitDocuments(readFileSync(`${GOLDEN_DIR}/eval_text.txt`, 'utf8'));
  const rows = await documentRows('eval_text.txt', documents, tokenizer, 512, 1);
  const states = { model, states: await finalStates(gpu, model, rows) };
  const { perplexity: own } = summarize(await compareTokens(gpu, states, states, rows), 1, rows.length);
  await states.states.free();
  const path = `${GOLDEN_DIR}/exl2/exl2-${bits}/output.safetensors`;
  const { logits } = await reference(path, model.outline.config, rows.ids);
  const expected = perplexity(logits, rows.ids);
  console.log(`${bits} bpw, one row: perplexity ${own.model}, in f64 ${expected}`);
  expect(Math.abs(own.model / expected - 1)).toBeLessThan(1e-4);
});

/** exp of the mean −log p of each next id; logits (m, vocabulary). */
function perplexity(logits: Float64Array, ids: Int32Array): number {
  const vocabulary = logits.length / ids.length;
  let loss = 0;
  for (let i = 0; i + 1 < ids.length; i++) {
    const row = logits.subarray(i * vocabulary, (i + 1) * vocabulary);
    const highest = Math.max(...row);
    loss += Math.log(row.reduce((sum, x) => sum + Math.exp(x - highest), 0)) + highest - row[ids[i + 1]!]!;
  }
  return Math.exp(loss / (ids.length - 1));
}
