/** Why a model lacks tensors that it needs: the usual causes, each by what the names that are there look like. */

import { InputError, UnsupportedError } from '../../util/errors.ts';
import { nearNames } from '../../util/text/near-names.ts';
import type { ModelSpec } from '../spec.ts';
import { foreignFormat } from './foreign-formats.ts';
import { layerNumber } from './layer-number.ts';
import type { TensorRequirement } from './requirement.ts';

/** What may stand before the usual names: what wraps the model, and how to save it without. */
const WRAPPERS: Readonly<Record<string, string>> = {
  'base_model.model.': 'PEFT: call merge_and_unload() of the model, and save what it gives',
  'module.': 'DataParallel: save model.module',
  '_orig_mod.': 'torch.compile: save model._orig_mod',
  'language_model.': 'a multimodal model: save its language_model',
};

/** The error for `missing` tensors, one at least, of those `required` of the model, where there are those of `names`. */
export function missingTensors(
  model: ModelSpec,
  missing: readonly TensorRequirement[],
  required: readonly TensorRequirement[],
  names: readonly string[],
): InputError | UnsupportedError {
  return (
    quantized(names) ??
    adapter(names) ??
    original(names) ??
    renamed(model, missing, required, names) ??
    withoutHead(model, missing) ??
    fewerLayers(model, missing, names) ??
    notThere(missing, required, names)
  );
}

function quantized(names: readonly string[]): UnsupportedError | undefined {
  const found = foreignFormat(names);
  return (
    found &&
    new UnsupportedError(
      `this model is already quantized: ${found.tensor} is a tensor of ${found.format}; ` +
        'give the original model with F32, F16 or BF16 weights',
    )
  );
}

function adapter(names: readonly string[]): InputError | undefined {
  const part = names.find((name) => /(^|\.)(lora_(a|b|magnitude)|ia3_|hada_w|lokr_w|vera_)/i.test(name));
  if (part === undefined) return undefined;
  return new InputError(
    `the weights are those of an adapter (${part}), or of a model around one: merge it into its base model first, in ` +
      'Python with PeftModel.from_pretrained(base, folder).merge_and_unload().save_pretrained(new_folder), and ' +
      'convert the result',
  );
}

/** In the names of Meta's and Mistral's own files. */
function original(names: readonly string[]): InputError | undefined {
  const found = names.find((name) => name === 'tok_embeddings.weight');
  if (found === undefined) return undefined;
  return new InputError(
    `the weights have the names of Meta's or Mistral's own files (${found}): get the model's files in the format of ` +
      'Hugging Face, whose names begin with "model."',
  );
}

/** All names have something in front of the usual ones, or lack the usual beginning. */
function renamed(
  { config: { architecture }, embedding }: ModelSpec,
  missing: readonly TensorRequirement[],
  required: readonly TensorRequirement[],
  names: readonly string[],
): InputError | undefined {
  // What the usual names begin with, all but the head's; of GPT-2's nothing.
  const body = embedding.split('.').length > 2 ? embedding.slice(0, embedding.indexOf('.') + 1) : '';
  const ofBody = ({ name }: TensorRequirement) => name.startsWith(body);
  if (missing.filter(ofBody).length < required.filter(ofBody).length) return undefined;
  for (const { name } of missing.filter(ofBody)) {
    const bare = name.slice(body.length);
    const found = names.find((each) => each === bare || each.endsWith(`.${bare}`));
    if (found === undefined) continue;
    const prefix = found.slice(0, found.length - bare.length);
    const isWhole = found.endsWith(`.${name}`);
    const before = isWhole ? found.slice(0, found.length - name.length) : prefix;
    const example = `(${found}, where ${architecture} has ${name})`;
    const fault =
      before === ''
        ? `lack the usual beginning "${body}" ${example}`
        : `begin with "${before}" ${isWhole ? 'before the usual name' : `in place of "${body}"`} ${example}`;
    const wrapper = Object.keys(WRAPPERS).find((each) => before.startsWith(each));
    const saving =
      wrapper === undefined ? '' : `they were saved with what wraps the model, ${WRAPPERS[wrapper]}; or `;
    return new InputError(
      `the names of the tensors ${fault}: ${saving}rename them, in Python with load_file and save_file of ` +
        'safetensors.torch',
    );
  }
  return undefined;
}

function withoutHead(
  { config, head: { weight } }: ModelSpec,
  missing: readonly TensorRequirement[],
): InputError | undefined {
  const head = missing[0]!;
  if (missing.length > 1 || head.name !== weight) return undefined;
  const statesTied = typeof config.raw['tie_word_embeddings'] === 'boolean';
  const flag = `tie_word_embeddings is false${statesTied ? ' in config.json' : ', as config.json has none'}`;
  return new InputError(
    `tensor ${head.name} (${head.shape.join(', ')}) (${flag}) is not in the model's safetensors: the flag may be ` +
      `${statesTied ? 'wrong' : 'missing'}. If the model takes its embedding for the head, as many small ones do, set ` +
      '"tie_word_embeddings": true in config.json; if it has a head of its own, get the file that holds it',
  );
}

/** Whole layers are missing, the last ones. */
function fewerLayers(
  { config: { layers } }: ModelSpec,
  missing: readonly TensorRequirement[],
  names: readonly string[],
): InputError | undefined {
  const layerOf = (name: string) => layerNumber(name) ?? -1;
  const last = Math.max(-1, ...names.map(layerOf));
  if (last < 0 || last >= layers - 1 || !missing.every(({ name }) => layerOf(name) > last)) return undefined;
  return new InputError(
    `config.json has num_hidden_layers ${layers}, the weights have layers 0 to ${last} (${last + 1}): they are not of ` +
      'the same model, or files of weights are not in the folder',
  );
}

function notThere(
  missing: readonly TensorRequirement[],
  required: readonly TensorRequirement[],
  names: readonly string[],
): InputError {
  const { name, shape } = missing[0]!;
  const more = missing.length > 1 ? `, nor are ${missing.length - 1} others` : '';
  const known = new Set(required.map((each) => each.name));
  // One that has a place of its own is not in this one's.
  const near = nearNames(
    name,
    names.filter((each) => !known.has(each)),
  );
  const hint =
    near.length > 0 ? `the nearest names are ${near.join(', ')}` : `there are ${names.length} others`;
  return new InputError(
    `tensor ${name} (${shape.join(', ')}) is not in the model's safetensors${more}; ${hint}: config.json and weights ` +
      'are not of the same model, or files of weights are not in the folder',
  );
}
