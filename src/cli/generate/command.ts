import type { Gpu } from '../../gpu/gpu.ts';
import { type GeneratedToken, generate } from '../../inference/generate.ts';
import { LanguageModel } from '../../inference/language-model.ts';
import { checkSampling, type SamplingOptions } from '../../inference/sampling.ts';
import { nodeModelDirectory } from '../../io/platform/node/node-model-directory.ts';
import { openRunnableModel } from '../../runnable/runnable-model.ts';
import { InputError } from '../../util/errors.ts';
import { visible } from '../../util/text/plain-text.ts';
import type { Surroundings } from '../command.ts';
import { endableTokenizer } from '../endable.ts';
import { jsonLine } from '../json-line.ts';
import { GPU_OPTIONS, helped, parser, withExitCode, withGpu } from '../tool.ts';
import { userPath } from '../user-path.ts';

const OPTIONS = {
  model: { type: 'string', demandOption: true, description: 'Directory of the model: EXL2 or unquantized.' },
  prompt: { type: 'string', demandOption: true, description: 'Text to continue.' },
  tokenizer: { type: 'string', description: 'Directory of the tokenizer (default: that of the model).' },
  'max-tokens': { type: 'number', default: 200, description: 'Tokens to add at most.' },
  temperature: { type: 'number', default: 0, description: '0: always the most likely token.' },
  'top-k': { type: 'number', default: 0, description: 'Choose among the so many most likely; 0: among all.' },
  'top-p': {
    type: 'number',
    default: 1,
    description: 'Choose among the most likely that reach this probability.',
  },
  seed: { type: 'number', default: 0, description: 'Of the choice.' },
  json: {
    type: 'boolean',
    default: false,
    description: 'Print one JSON object: text, speed, and at each step the likeliest tokens.',
  },
  ...GPU_OPTIONS,
} as const;

/** With --json, at each step. */
const LIKELY_TOKENS = 8;

const USAGE = 'npm run generate -- --model DIR --prompt TEXT\n\nContinues a text with a model, on the GPU.';

type Process = Omit<Surroundings, 'version'>;

export const generateCommand = (args: readonly string[], process: Process): Promise<number> =>
  withExitCode(process, async () => {
    const options = parser(USAGE, OPTIONS);
    if (await helped(options, args, process)) return;
    const given = await options.parseAsync([...args]);
    checkMaxTokens(given['max-tokens']);
    checkSampling(samplingOf(given));
    await withGpu(given.gpu, given['gpu-memory-budget'], (gpu) => generateText(gpu, given, process));
  });

function checkMaxTokens(count: number): void {
  if (!Number.isSafeInteger(count) || count < 1)
    throw new InputError(`--max-tokens is ${count}; expected a whole number from 1.`);
}

const samplingOf = ({ temperature, ...given }: Given): SamplingOptions => ({
  temperature,
  topK: given['top-k'],
  topP: given['top-p'],
});

interface Given {
  readonly model: string;
  readonly prompt: string;
  readonly tokenizer: string | undefined;
  readonly 'max-tokens': number;
  readonly temperature: number;
  readonly 'top-k': number;
  readonly 'top-p': number;
  readonly seed: number;
  readonly json: boolean;
}

async function generateText(
  gpu: Gpu,
  given: Given,
  { out, places, signal, writeError }: Process,
): Promise<void> {
  const directory = (path: string) => nodeModelDirectory(userPath(places.cwd, path));
  const opened = await openRunnableModel(directory(given.model));
  const tokenizer = await endableTokenizer(signal)(directory(given.tokenizer ?? given.model));
  const model = await LanguageModel.load(gpu, opened, () => signal.throwIfAborted());
  const { prompt, json, seed } = given;
  let text = '';
  const steps: Pick<GeneratedToken, 'id' | 'text' | 'likely'>[] = [];
  let speed = { tokens: 0, promptSeconds: 0, tokensPerSecond: 0 };
  if (!json) out.write(prompt);
  try {
    const tokens = generate(gpu, model, tokenizer, {
      prompt,
      ...samplingOf(given),
      seed,
      maxTokens: given['max-tokens'],
      signal,
      ...(json && { likely: LIKELY_TOKENS }),
    });
    for await (const { id, text: added, likely, count, promptSeconds, tokensPerSecond } of tokens) {
      text += added;
      steps.push({ id, text: added, likely });
      speed = { tokens: count, promptSeconds, tokensPerSecond };
      if (!json) out.write(visible(added));
    }
  } finally {
    model.free();
  }
  if (json) out.write(jsonLine({ prompt, text, ...speed, steps }));
  else {
    out.write('\n');
    writeError(
      `${speed.tokens} tokens, ${speed.tokensPerSecond.toFixed(1)} a second; prompt ${speed.promptSeconds.toFixed(2)} s\n`,
    );
  }
}
