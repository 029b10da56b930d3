import { isJsonObject } from '../../io/json/json.ts';
import type { ModelDirectory } from '../../io/model/model-directory.ts';
import type { DType } from '../../tensor/dtype.ts';
import { parseConfig, quantizationMethod } from '../config/config.ts';
import { Fields } from '../config/fields.ts';
import type { RopeOverrides } from '../config/rope.ts';
import { FAMILIES } from '../families/registry.ts';
import { buildPlan, requirements } from '../plan.ts';
import { filePrefix, resolveModel } from '../resolve.ts';
import type { ModelPlan } from '../spec.ts';
import { foreignFormat } from './foreign-formats.ts';
import { haveSameValues } from './same-values.ts';
import { refuseComputing } from './unused-tensors.ts';

/** A model that is not quantized. */
export interface Original {
  /** Its config is config.json as the weights show it to be meant. */
  readonly plan: ModelPlan;
  /** What people should know before it is converted. */
  readonly warnings: readonly string[];
}

const FLOATS: readonly (DType | undefined)[] = ['F32', 'F16', 'BF16'];
/** How many names a warning lists. */
const MAX_LISTED = 3;

/**
 * Plans a model with F32, F16 or BF16 weights: config.json and what is in the files, each checked against the other.
 * @throws InputError for what is wrong or missing, UnsupportedError for another architecture or format.
 */
export async function planOriginal(source: ModelDirectory, rope: RopeOverrides): Promise<Original> {
  const json = await source.readJson('config.json');
  const warnings: string[] = [];
  let stated = json;
  const stale = staleQuantization(source, json, rope);
  if (stale !== undefined) {
    warnings.push(
      `config.json says that the model is quantized (quantization_config, ${stale}), but its weights are F32, F16 or ` +
        'BF16: they are taken as they are.',
    );
    stated = without(json, 'quantization_config');
  }
  let plan = planAs(source, stated, rope);
  let isHeadCopy = false;
  const ownHead = `${plan.head.key}.weight`;
  if (plan.config.tiedEmbeddings && isHeadLike(source, ownHead, plan.embedding)) {
    isHeadCopy = await haveSameValues(source, ownHead, plan.embedding);
    if (!isHeadCopy) {
      warnings.push(
        `config.json has tie_word_embeddings true, but ${ownHead} is not the embedding: it is taken for the head, ` +
          'and config.json of the output says so.',
      );
      plan = planAs(source, { ...plan.config.raw, tie_word_embeddings: false }, rope);
    }
  }
  await refuseComputing(source, plan);
  warnings.push(...unusedWindow(plan));
  const unused = [
    ...plan.unexpected.filter((name) => !(isHeadCopy && name === ownHead)),
    ...source.unreadable,
  ];
  if (unused.length > 0) {
    warnings.push(
      `${plan.config.architecture} has no use for ${unused.length} of the tensors; they will not be in the output: ` +
        listed(unused),
    );
  }
  if (source.pointers.length > 0) {
    warnings.push(
      `There are git-lfs pointers in place of ${listed(source.pointers)}: the output will not have them. Run ` +
        '"git lfs pull" in the model folder first if it should.',
    );
  }
  return { plan, warnings };
}

/** A Mistral under Llama's name, or a key left over: ExLlamaV2 and transformers look at the architecture alone. */
function unusedWindow({ config }: ModelPlan): string[] {
  const { sliding_window: window, use_sliding_window: isUsed } = config.raw;
  const { windows } = FAMILIES.get(config.architecture)!.attention;
  if (windows !== 'none' || isUsed === false || typeof window !== 'number' || window >= config.maxPositions)
    return [];
  return [
    `config.json has sliding_window ${window}, which ${config.architecture} does not use: every token sees all before ` +
      'it. If that is not meant, the model is of another architecture than config.json says.',
  ];
}

/** The model that `config` describes, checked against the files. */
function planAs(source: ModelDirectory, config: unknown, rope: RopeOverrides): ModelPlan {
  const parsed = parseConfig(config, rope);
  const outline = resolveModel(parsed, false, filePrefix(parsed, source.names()));
  source.checkNeeded(requirements(outline).map(({ name }) => name));
  return buildPlan(parsed, new Map(source.names().map((name) => [name, source.info(name)!])));
}

/**
 * The method of a `quantization_config` that speaks of another version of the model: all that is needed is there, in a
 * format that is not quantized. Undefined when there is none, or it may be true.
 */
function staleQuantization(source: ModelDirectory, json: unknown, rope: RopeOverrides): string | undefined {
  const method = isJsonObject(json) ? quantizationMethod(new Fields(json, 'config.json')) : undefined;
  if (method === undefined) return undefined;
  const names = source.names();
  const isFloat = (name: string) => FLOATS.includes(source.info(name)?.dtype);
  if (foreignFormat(names) || source.unreadable.some(isWeight) || !names.filter(isWeight).every(isFloat)) {
    return undefined;
  }
  const config = parseConfig(without(json, 'quantization_config'), rope);
  const model = resolveModel(config, false, filePrefix(config, names));
  const isThere = (name: string) => source.has(name) || source.isIndexed(name);
  return requirements(model).every(({ name }) => isThere(name)) ? method : undefined;
}

const isWeight = (name: string): boolean => name.endsWith('.weight');

function without(json: unknown, key: string): Record<string, unknown> {
  const { [key]: _, ...rest } = json as Record<string, unknown>;
  return rest;
}

/** Whether the tensor could be the model's head: of the embedding's shape, and not quantized. */
function isHeadLike(source: ModelDirectory, name: string, embedding: string): boolean {
  const head = source.info(name);
  return FLOATS.includes(head?.dtype) && head?.shape.join() === source.requireInfo(embedding).shape.join();
}

const listed = (names: readonly string[]): string =>
  names.slice(0, MAX_LISTED).join(', ') + (names.length > MAX_LISTED ? ', …' : '');
