import type { WritableDirectory } from '../../io/bytes.ts';
import { planShard, writeSafetensors } from '../../io/safetensors/writer.ts';
import { writeJsonFile } from '../../io/write-file.ts';
import type { ModelConfig } from '../../model/config/config.ts';
import { resolveModel } from '../../model/resolve.ts';
import { byteLength, type TensorInfo } from '../../tensor/dtype.ts';
import { f32ToF16Bits } from '../../util/half.ts';
import { gaussian, seededRandom } from '../../util/random.ts';

const SEED = 1;
/** Standard deviation of weights, as models begin their training with. */
const DEVIATION = 0.02;
/** Normal numbers are drawn once; making a billion of them would take minutes. */
const DRAWN = 2 ** 22;
/** Weights are runs of these, each from another place. */
const RUN = 2 ** 12;
const CHUNK_WEIGHTS = 2 ** 22;

/** The least that the tokenizer's library opens; rows are made of random ids. */
const TOKENIZER = {
  version: '1.0',
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: null,
  model: { type: 'BPE', vocab: { a: 0 }, merges: [] },
};

/** Writes a model of random f16 weights, always the same; one chunk of them is in memory at a time. */
export async function writeRandomModel(
  directory: WritableDirectory,
  config: ModelConfig,
  signal: AbortSignal,
): Promise<void> {
  await writeJsonFile(directory, 'config.json', config.raw);
  await writeJsonFile(directory, 'tokenizer.json', TOKENIZER);
  const tensors = modelTensors(config);
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const random = seededRandom(SEED);
  const normal = gaussian(random);
  const drawn = Uint16Array.from({ length: DRAWN }, () => f32ToF16Bits(DEVIATION * normal()));
  const ones = new Uint16Array(RUN).fill(f32ToF16Bits(1));
  await writeSafetensors(directory, planShard('model.safetensors', tensors), (name) => {
    signal.throwIfAborted();
    const tensor = byName.get(name)!;
    return halves(byteLength(tensor) / 2, tensor.shape.length === 1 ? ones : drawn, random);
  });
}

/** `count` halves out of `values`, in pieces. */
async function* halves(count: number, values: Uint16Array, random: () => number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < count; start += CHUNK_WEIGHTS) {
    const chunk = new Uint16Array(Math.min(CHUNK_WEIGHTS, count - start));
    for (let i = 0; i < chunk.length; i += RUN) {
      const from = Math.floor(random() * Math.max(1, values.length - RUN));
      chunk.set(values.subarray(from, from + Math.min(RUN, chunk.length - i)), i);
    }
    yield new Uint8Array(chunk.buffer);
  }
}

function modelTensors(config: ModelConfig): TensorInfo[] {
  const { stored, modules, head } = resolveModel(config);
  const linears = [...modules.flatMap((module) => module.linears), head];
  return [
    ...stored.map(({ name, shape }): TensorInfo => ({ name, dtype: 'F16', shape })),
    ...linears.map(({ weight, k, n }): TensorInfo => ({ name: weight, dtype: 'F16', shape: [n, k] })),
  ];
}
