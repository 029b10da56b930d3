import { datasetText } from '../job/settings.ts';
import { PRECISIONS } from '../report/report.ts';
import type { ReportData } from '../report/report-data.ts';
import { plainText } from '../util/text/plain-text.ts';
import { shortName } from '../util/text/short-name.ts';

/** The output's card. */
export const CARD = 'README.md';
/** The source's card in the output. */
export const ORIGINAL_CARD = 'README-original.md';

/** The card among the files of a source; some write it otherwise. */
export const findCard = (paths: readonly string[]): string | undefined =>
  paths.find((path) => path === CARD) ?? paths.find((path) => path.toLowerCase() === CARD.toLowerCase());

/** Of the original's card: entries of its front matter that hold for the quantized model as well. */
const KEPT = /^(license|license_name|license_link|language|pipeline_tag|base_model)[ \t]*:/;

/**
 * README.md of the output, as it could be published.
 * @param original the source's card, which the output holds as README-original.md.
 */
export function modelCard(data: ReportData, original: string | undefined): string {
  const { start, settings, bitsPerWeight, calibration, metrics } = data;
  const name = plainText(shortName(start.model.name));
  const { quantization } = calibration;
  const lines = [
    '---',
    ...keptEntries(frontMatter(original)),
    'library_name: exllamav2',
    'tags:',
    '- exl2',
    '- quantized',
    '---',
    '',
    `# ${name}, EXL2 at ${settings.bits} bits per weight`,
    '',
    `An EXL2 quantization of \`${name}\`, for [ExLlamaV2](https://github.com/turboderp-org/exllamav2) and programs that load its format.`,
    '',
    '| | |',
    '| --- | --- |',
    `| bits per weight | ${bitsPerWeight.toFixed(3)} (attention and MLP), head ${settings.headBits} |`,
    `| architecture | ${start.model.architecture}, ${start.model.layers} layers |`,
    `| calibration | ${plainText(datasetText(settings.dataset))}, ${quantization.rows} rows of ${quantization.length} tokens |`,
    ...(start.gpu ? [`| computed with | ${PRECISIONS[start.gpu.precision]} |`] : []),
    ...(metrics
      ? [
          `| perplexity | ${significant(metrics.perplexity.model)} (original ${significant(metrics.perplexity.reference)}) |`,
          `| KL divergence from the original | mean ${metrics.divergence.mean.toFixed(5)}, median ${metrics.divergence.median.toFixed(5)}, 99 % below ${metrics.divergence.p99.toFixed(4)} |`,
          `| top-1 agreement with the original | ${(metrics.agreement * 100).toFixed(2)} % |`,
        ]
      : []),
    '',
    ...(metrics
      ? [
          `Measured on ${metrics.rows} rows of ${metrics.length} tokens of text that was not used for calibration. Other text gives other numbers: compare models by the same measurement only.`,
          '',
        ]
      : []),
    'How the bits were shared out, the error of every layer and the settings are in `report.html`.',
    ...(original === undefined
      ? []
      : [
          '',
          'What the original’s authors say of their model is in [README-original.md](README-original.md); its licence holds here too.',
        ]),
    '',
  ];
  return lines.join('\n');
}

/** More digits would tell apart programs that round the exponential otherwise. */
const significant = (perplexity: number): string => perplexity.toPrecision(6);

/** An entry goes on in lines that are indented or of a list; one without any value is left out. */
function keptEntries(lines: readonly string[]): string[] {
  const entries: string[][] = [];
  for (const line of lines) {
    const goesOn = line.trim() === '' || /^(\s|-|#|\]|\})/.test(line);
    if (goesOn) entries.at(-1)?.push(line);
    else entries.push([line]);
  }
  const hasValue = ([first, ...more]: string[]) =>
    /:\s*[^\s#]/.test(first!) || more.some((line) => /^\s*[^\s#]/.test(line));
  return entries.filter((entry) => KEPT.test(entry[0]!) && hasValue(entry)).flat();
}

/** The lines between the first two `---` of a card that begins with them. */
function frontMatter(card = ''): string[] {
  const [first, ...lines] = card.split(/\r?\n/);
  const isFence = (line: string | undefined) => line?.trimEnd() === '---';
  const end = lines.findIndex(isFence);
  return isFence(first) && end >= 0 ? lines.slice(0, end) : [];
}
