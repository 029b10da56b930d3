import { INTERRUPTED } from './exit-code.ts';
import { OPTIONS } from './option-table.ts';

const COMMAND = 'npm run convert --';

const USAGE = `Usage: ${COMMAND} [options]

Converts a language model to EXL2, the format of ExLlamaV2, on the GPU through WebGPU. With no options it converts
the model that comes with the repository to 4.0 bits per weight, into out/tinystories-7m-4.0bpw.`;

const EXAMPLES = `Examples
  Convert the bundled model:
    npm run convert
  Convert a model of yours to 5 bits per weight:
    ${COMMAND} -i ~/models/Qwen3-4B -b 5 -cf ~/models/Qwen3-4B-5.0bpw
  Measure once, then convert to as many sizes as you like:
    ${COMMAND} -i ~/models/Qwen3-4B -om qwen.json
    ${COMMAND} -i ~/models/Qwen3-4B -m qwen.json -b 3
  Convert two models to three sizes each, on all cards, into ~/exl2/Qwen3-4B-3.0bpw and so on:
    ${COMMAND} -i ~/models/Qwen3-4B -i ~/models/Qwen3-8B -b 3 -b 4 -b 6 -cf ~/exl2 --gpus all
  See what would come out, and what it takes:
    ${COMMAND} -i ~/models/Qwen3-4B -b 3 --dry-run`;

const RESULT = `What comes out
  The output directory holds the quantized weights (output.safetensors, or several files when larger than
  --shard_size), config.json with its quantization_config, and copies of the model's other files. ExLlamaV2 and
  the programs that build on it load it. The model's own directory is only read.
  The work directory holds the token rows, measurement.json, strategy.json and the finished layers. After
  an interruption the same command goes on with the layer that was under way. Once the result is there the work
  directory may be deleted; keep its measurement.json for other bit rates (-m).

All options come after npm's "--". For JSON without npm's own lines: npm run --silent convert -- --json
Exit codes: 0 done, 1 wrong input or unsupported, 2 failed, ${INTERRUPTED} interrupted.`;

interface Shown {
  readonly alias?: string | readonly string[];
  readonly group: string;
  readonly value?: string;
  readonly description: string;
  readonly default?: number | string;
  readonly defaultDescription?: string;
}

const INDENT = '  ';
const SEPARATOR = '  ';

/** The help page; `columns` is the terminal's width. */
export function helpPage(columns: number): string {
  const options = Object.entries<Shown>(OPTIONS).map(([name, option]) => ({
    ...option,
    term: term(name, option),
  }));
  const termWidth = Math.max(...options.map((option) => option.term.length));
  const textWidth = Math.max(30, columns - INDENT.length - termWidth - SEPARATOR.length);
  const groups = [...new Set(options.map(({ group }) => group))];
  const sections = groups.map((title) => {
    const members = options.filter(({ group }) => group === title);
    const lines = members.flatMap((option) =>
      wrap(explained(option), textWidth).map((line, index) =>
        [INDENT, (index === 0 ? option.term : '').padEnd(termWidth), SEPARATOR, line].join(''),
      ),
    );
    return [title, ...lines].join('\n');
  });
  return [USAGE, ...sections, EXAMPLES, RESULT].join('\n\n');
}

/** `-hb, --head_bits B`; names that have no short form are indented like the others. */
function term(name: string, { alias, value }: Shown): string {
  const short = [alias ?? []].flat().find((other) => other.length < 3);
  return `${short ? `-${short},`.padEnd(4) : '    '} --${name}${value ? ` ${value}` : ''}`;
}

function explained({ description, default: value, defaultDescription }: Shown): string {
  const shown = defaultDescription ?? value;
  return shown === undefined ? description : `${description} Default: ${shown}.`;
}

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
