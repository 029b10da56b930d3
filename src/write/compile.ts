import type { ByteSource, ReadableDirectory, WritableDirectory } from '../io/bytes.ts';
import { CHUNK_BYTES } from '../io/chunks.ts';
import {
  planShards,
  type ShardPlan,
  type TensorData,
  writeIndex,
  writeSafetensors,
} from '../io/safetensors/writer.ts';
import { summedDirectory } from '../io/work/summed-directory.ts';
import { writeJsonFile } from '../io/write-file.ts';
import { ARTEFACT } from '../job/artefacts.ts';
import type { StageContext } from '../job/context.ts';
import { checkControl } from '../job/control.ts';
import type { StoredTensor } from '../model/spec.ts';
import { byteLength, elementCount, type HostTensor, type TensorInfo } from '../tensor/dtype.ts';
import { toFloat } from '../tensor/float-tensor.ts';
import { assert, InputError } from '../util/errors.ts';
import { f32ToF16Array } from '../util/half.ts';
import { findCard, ORIGINAL_CARD } from './model-card.ts';
import { outputConfig } from './output-config.ts';
import { SHARD, shardName } from './output-directory.ts';

/** The format that we write is that of this ExLlamaV2. */
const FORMAT_VERSION = '0.3.2';
const CONFIG = 'config.json';

/** What config.json of the output says about the quantization. */
export interface QuantizationConfig {
  readonly bits: number;
  readonly headBits: number;
  readonly calibration: { readonly rows: number; readonly length: number; readonly dataset: string };
}

/** What was written. */
export interface Compiled {
  readonly bytes: number;
  readonly files: readonly string[];
  /** Of all these files. */
  readonly checksum: string;
}

/** Writes the model directory: weights, then the source's other files, then config.json. */
export async function compile(
  context: StageContext,
  model: ReadableDirectory,
  to: WritableDirectory,
  quantization: QuantizationConfig,
  shardBytes: number,
): Promise<Compiled> {
  const { source, emit, control } = context;
  const { directory: output, checksum } = await summedDirectory(to);
  const packed = await packedTensorFiles(context);
  const stored = new Map(context.plan.stored.map((tensor) => [tensor.name, tensor]));
  const storedInfos = [...stored.values()].map(
    ({ name, shape, dtype }): TensorInfo => ({ name, dtype, shape }),
  );
  const shards = planShards([...storedInfos, ...packed.infos], shardBytes, shardName);
  const copied = targetsOf(source.copiedFiles().map(({ path }) => path));
  const total = shards.flatMap(({ tensors }) => tensors).reduce((sum, info) => sum + byteLength(info), 0);
  let done = 0;
  for (const shard of shards) {
    await writeSafetensors(output, shard, async (name): Promise<TensorData> => {
      await checkControl(control);
      const info = shard.tensors.find((tensor) => tensor.name === name)!;
      emit({ type: 'progress', stage: 'compile', done, total, unit: 'bytes', detail: name });
      done += byteLength(info);
      const kept = stored.get(name);
      return kept ? halves(context, kept) : packed.read(name);
    });
  }
  await writeIndex(output, shards);
  await removeOtherShards(output, shards);
  for (const [path, target] of copied) await copyFile(model, output, path, target);
  const config = {
    ...outputConfig(context.plan.config),
    quantization_config: quantizationJson(quantization),
  };
  await writeJsonFile(output, CONFIG, config);
  emit({ type: 'progress', stage: 'compile', done: total, total, unit: 'bytes', detail: CONFIG });
  const files = new Set([...shards.map(({ fileName }) => fileName), ...copied.values(), CONFIG]);
  const entries = (await output.list()).filter(({ path }) => files.has(path));
  return {
    bytes: entries.reduce((sum, { size }) => sum + size, 0),
    files: entries.map(({ path }) => path),
    checksum: checksum(),
  };
}

/** Of an earlier conversion that was cut otherwise: loaders read every safetensors file that they find. */
async function removeOtherShards(output: WritableDirectory, shards: readonly ShardPlan[]): Promise<void> {
  const written = new Set(shards.map(({ fileName }) => fileName));
  for (const { path } of await output.list()) {
    if (SHARD.test(path) && !written.has(path)) await output.remove(path);
  }
}

const quantizationJson = ({ bits, headBits, calibration }: QuantizationConfig) => ({
  quant_method: 'exl2',
  version: FORMAT_VERSION,
  bits,
  head_bits: headBits,
  calibration,
});

/** The artefacts of all modules and the head, as one list of tensors. */
async function packedTensorFiles({ plan, work }: StageContext) {
  const infos: TensorInfo[] = [];
  const readers = new Map<string, () => Promise<HostTensor>>();
  for (const { key } of [...plan.modules, plan.head]) {
    const path = ARTEFACT.tensors(key);
    const file = await work.openTensors(path);
    if (!file)
      throw new InputError(`${path} has gone from the work directory: run the job again to make it anew.`);
    for (const [name, { dtype, shape }] of file.tensors) {
      infos.push({ name, dtype, shape });
      readers.set(name, () => file.read(name));
    }
  }
  return { infos, read: (name: string) => readers.get(name)!() };
}

/** A tensor that is not quantized, as f16 or as it is, piece by piece; halves can hold its values, as `checkWeights` has seen. */
async function* halves({ source }: StageContext, tensor: StoredTensor): AsyncGenerator<Uint8Array> {
  const { source: name, copies = 1, dtype } = tensor;
  const { shape } = source.requireInfo(name);
  const rows = shape[0]!;
  const step = Math.max(1, Math.floor(CHUNK_BYTES / ((elementCount(shape) / rows) * 4)));
  for (let copy = 0; copy < copies; copy++) {
    for (let start = 0; start < rows; start += step) {
      const piece = await source.readRows(name, start, Math.min(rows, start + step));
      if (piece.dtype === dtype) {
        yield piece.data;
        continue;
      }
      yield new Uint8Array(f32ToF16Array(toFloat(piece, name).data).buffer);
    }
  }
}

/** Where each file goes that is taken over as it is: the output gets a card and a configuration of its own. */
function targetsOf(paths: readonly string[]): ReadonlyMap<string, string> {
  const card = findCard(paths);
  const isTaken = (path: string) => path !== CONFIG && !(card && path === ORIGINAL_CARD);
  return new Map(paths.filter(isTaken).map((path) => [path, path === card ? ORIGINAL_CARD : path]));
}

async function copyFile(
  from: ReadableDirectory,
  to: WritableDirectory,
  path: string,
  target: string,
): Promise<void> {
  const source: ByteSource | undefined = await from.open(path);
  assert(source, `${path} was listed but is not there`);
  const sink = await to.create(target);
  try {
    for (let at = 0; at < source.size; at += CHUNK_BYTES) {
      await sink.write(await source.read(at, Math.min(source.size, at + CHUNK_BYTES)));
    }
    await sink.close();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}
