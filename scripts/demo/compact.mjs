/** The second half of the demo's recording: what `record.mjs` kept, as the small file that the page plays. */
import { readFileSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { runnerImport } from 'vite';
import { root } from '../shell.mjs';
import { BITS } from './record.mjs';

const MODEL = 'public/models/tinystories-7m';
/** Progress is drawn in steps of this share of a stage. */
const PROGRESS_STEP = 0.005;

const json = (path) => JSON.parse(readFileSync(path, 'utf8'));
const lines = (path) => readFileSync(path, 'utf8').trimEnd().split('\n').map(JSON.parse);
const load = async (path) => (await runnerImport(join(root, path))).module;

/** As many digits as are ever shown, and some. */
const short = (value) => Number(value.toPrecision(5));

/** What the page says of the model, by the page's own code. */
async function modelFacts() {
  const { nodeModelDirectory } = await load('src/io/platform/node/node-model-directory.ts');
  const { openModel } = await load('src/model/check/open-model.ts');
  const { loadTokenizer } = await load('src/tokenizer/tokenizer.ts');
  const { pageFacts } = await load('workers/model-facts.ts');
  const directory = nodeModelDirectory(join(root, MODEL));
  const { vocabSize } = await loadTokenizer(directory);
  return { ...pageFacts(await openModel(directory, {}), vocabSize), name: 'tinystories-7m' };
}

/** A number for each of the strings that it is asked for. */
function dictionary() {
  const words = [];
  const numberOf = (word) => {
    const found = words.indexOf(word);
    return found >= 0 ? found : words.push(word) - 1;
  };
  return { words, numberOf };
}

/** Leaves out progress and memory that nobody would see change. */
function thinned(all) {
  let last;
  return all.filter(({ event }) => {
    if (event.type === 'memory') return false;
    if (event.type !== 'progress') return true;
    const isNear =
      last?.stage === event.stage &&
      last.detail === event.detail &&
      event.done - last.done < PROGRESS_STEP * event.total;
    if (!isNear) last = event;
    return !isNear;
  });
}

function compactEvent(event, model, settings) {
  switch (event.type) {
    case 'trial': {
      const params = event.description.split(', ').map((part) => part.slice(part.indexOf(' ') + 1));
      const module = model.modules.findIndex(({ key }) => key === event.module);
      return [
        ...[module, event.candidate, short(event.error), short(event.bitsPerWeight)],
        ...params.map(settings.numberOf),
      ];
    }
    case 'linear':
      return {
        ...event,
        bitsPerWeight: short(event.bitsPerWeight),
        ...(event.error && { error: short(event.error) }),
      };
    case 'progress':
      // Where the folders are is this machine's affair.
      return isAbsolute(event.detail) ? { ...event, detail: model.name } : event;
    default:
      return event;
  }
}

/** Tokens as [id, text]; where the texts part, what could have stood there as well. */
function compactText({ steps }, parting) {
  return steps.map(({ id, text, likely }, i) =>
    i === parting
      ? [id, text, likely.map((each) => [each.id, each.text, short(each.probability)])]
      : [id, text],
  );
}

/** What the first screen shows of it: figures, and of each layer the bits of its linears. */
function summaryOf(all, files, model) {
  const of = (type) => all.filter(({ event }) => event.type === type).map(({ event }) => event);
  const { perplexity, agreement } = of('evaluation')[0].measures;
  const weights = files.filter(({ path }) => path.endsWith('.safetensors'));
  return {
    originalBytes: model.bytes,
    bytes: weights.reduce((sum, { size }) => sum + size, 0),
    perplexity: { reference: short(perplexity.reference), model: short(perplexity.model) },
    agreement,
    columns: model.modules
      .filter(({ layer }) => layer === 0)
      .flatMap(({ linears }) => linears.map(({ role }) => role)),
    rows: Array.from({ length: model.layers }, (_, layer) =>
      of('linear')
        .filter(({ choice }) => model.modules.find(({ key }) => key === choice)?.layer === layer)
        .map(({ bitsPerWeight }) => Number(bitsPerWeight.toFixed(2))),
    ),
  };
}

/** @param {string} folder of the recording @param {string} path of the file to write, and beside it of its
 * summary; gives the file's size in bytes */
export async function compact(folder, path) {
  const all = lines(join(folder, 'events.jsonl'));
  const { date, files, texts } = json(join(folder, 'recorded.json'));
  const model = await modelFacts();
  const settings = dictionary();
  const start = all.find(({ event }) => event.type === 'start').event;
  const batches = [];
  for (const { t, event } of thinned(all)) {
    if (['start', 'output', 'reference', 'warning'].includes(event.type)) continue;
    const packed = compactEvent(event, model, settings);
    const last = batches.at(-1);
    if (last?.[0] === t) last.push(packed);
    else batches.push([t, packed]);
  }
  const [a, b] = [texts.original.steps, texts.quantized.steps];
  const parting = a.findIndex(({ id }, i) => id !== b[i]?.id);
  const recording = {
    ...{ date, bits: BITS, headBits: start.headBits, gpu: start.gpu, files, model },
    prompt: texts.original.prompt,
    texts: {
      original: compactText(texts.original, parting),
      quantized: compactText(texts.quantized, parting),
    },
    settings: settings.words,
    batches,
  };
  const text = JSON.stringify(recording);
  writeFileSync(path, text);
  writeFileSync(path.replace(/\.json$/, '-summary.json'), JSON.stringify(summaryOf(all, files, model)));
  return text.length;
}
