/** The second half of the demo's recording: what `record.mjs` kept, as the small file that the page plays. */
import { readFileSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { runnerImport } from 'vite';
import { root } from '../shell.mjs';
import { BITS } from './record.mjs';

const MODEL = 'public/models/tinystories-7m';

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

/** What the page plays; the warnings are of this machine, and where its folders are is its affair. */
async function recorded(all, model) {
  const { Recorder } = await load('src/job/recording/recorder.ts');
  const recorder = new Recorder();
  for (const { t, event } of all) {
    if (event.type === 'warning') continue;
    const isPath = event.type === 'progress' && isAbsolute(event.detail);
    recorder.add(t, undefined, [isPath ? { ...event, detail: model.name } : event]);
  }
  return recorder.recording;
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
  const start = all.find(({ event }) => event.type === 'start').event;
  const [a, b] = [texts.original.steps, texts.quantized.steps];
  const parting = a.findIndex(({ id }, i) => id !== b[i]?.id);
  const recording = {
    ...{ date, bits: BITS, headBits: start.headBits, gpu: start.gpu, files, model },
    prompt: texts.original.prompt,
    texts: {
      original: compactText(texts.original, parting),
      quantized: compactText(texts.quantized, parting),
    },
    ...(await recorded(all, model)),
  };
  const text = JSON.stringify(recording);
  writeFileSync(path, text);
  writeFileSync(path.replace(/\.json$/, '-summary.json'), JSON.stringify(summaryOf(all, files, model)));
  return text.length;
}
