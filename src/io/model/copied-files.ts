/** Which files of a model folder an EXL2 output takes over: the model's own small files, and nothing else. */
import type { FileEntry } from '../bytes.ts';

/** The largest real ones, tokenizers, have 35 MB; what is larger is data that lies there. */
const MAX_COPIED_BYTES = 100e6;

/** Descriptions, tokenizers, templates and code, and what a card shows. */
const KINDS =
  /\.(json|txt|md|rst|jinja2?|j2|py|model|tiktoken|spm|bpe|vocab|ya?ml|toml|cfg|c|cc|cpp|cu|cuh|h|hpp|pdf|png|jpe?g|gif|svg|webp)$/i;
/** Files known by their names, whatever they end in. */
const TERMS =
  /^((licen[cs]e|copying|notice|authors|contributors|patents|citation|readme|changelog|version)([-_. ][^/]*)?|[^/]*(use|usage)[-_ ]policy[^/]*|\.gitattributes)$/i;

/** Weights, in whatever form, and what downloads and splits make of their names. */
const WEIGHTS =
  /\.(safetensors|bin|pt|pth|ckpt|gguf|ggml|llamafile|onnx|onnx_data|h5|keras|msgpack|ot|np[yz]|nemo|tflite|task|litertlm|mnn|mlmodel|rknn|rkllm|pte|engine|plan|pdparams|pdiparams|distcp)([-_.]|$)/i;

/** Indexes of weights: the output has one of its own. */
const INDEX = /\.(safetensors|bin|h5|msgpack|onnx)\.index\.(.*\.)?json$/i;

/** What only tells about weights of another form, or how they came to be. */
const OTHERS = [
  INDEX,
  // Of weights that were quantized otherwise, or adapted: loaders would believe them.
  /^(quant(ize|ization)?|hf_quant|adapter)_config\.json$/i,
  /^measurement\.json$/i,
  /^(trainer_state|training_args|scheduler|optimizer)\.json$/i,
  /^(all|train|eval|test|predict)_results\.json$/i,
  /^zero_to_fp32\.py$/i,
];

/** Folders of programs, of training and of caches. */
const FOLDERS =
  /^(\..*|__pycache__|runs|logs?|wandb|mlruns|lightning_logs|tensorboard|caches?|te?mp|(checkpoint|global_step|step|epoch|iter)[-_]?\d+)$/i;

/**
 * Whether a file of a folder with these files is taken over. A folder in it that holds weights is the model in another
 * form: nothing of that is.
 */
export function copyRule(files: readonly FileEntry[]): (file: FileEntry) => boolean {
  const otherForms = new Set(
    files.flatMap(({ path }) => (isBelow(path) && isWeights(path) ? topOf(path) : [])),
  );
  return ({ path, size }) => {
    const folders = path.split('/');
    const name = folders.pop()!;
    if (size > MAX_COPIED_BYTES || otherForms.has(topOf(path))) return false;
    if (folders.some((folder) => FOLDERS.test(folder))) return false;
    if (TERMS.test(name)) return !isWeights(name);
    return KINDS.test(name) && !name.startsWith('.') && !OTHERS.some((pattern) => pattern.test(name));
  };
}

/** Whether the file holds weights, of whatever format, or an index of them: such a file is never taken over. */
export function isWeightsOrIndex(path: string): boolean {
  const name = path.split('/').at(-1)!;
  return isWeights(path) || (INDEX.test(name) && !TERMS.test(name));
}

const isBelow = (path: string): boolean => path.includes('/');
const topOf = (path: string): string => path.split('/')[0]!;
function isWeights(path: string): boolean {
  const name = path.split('/').at(-1)!;
  return WEIGHTS.test(name) && !KINDS.test(name);
}
