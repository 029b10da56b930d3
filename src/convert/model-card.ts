import { PRECISIONS, shortName } from './report/report.ts';
import type { ReportData } from './report/report-data.ts';

/** Of the original's card: lines of its front matter that hold for the quantized model as well. */
const KEPT = /^(license|license_name|license_link|language|pipeline_tag|base_model): *\S.*$/;

/**
 * README.md of the output, as it could be published.
 * @param original the source's README.md, which the output holds as README-original.md.
 */
export function modelCard(data: ReportData, original: string | undefined): string {
  const { start, settings, bitsPerWeight, calibration, measures } = data;
  const name = shortName(start.model.name);
  const { quantization } = calibration;
  const lines = [
    '---',
    ...frontMatter(original).filter((line) => KEPT.test(line)),
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
    `| calibration | ${settings.dataset}, ${quantization.rows} rows of ${quantization.length} tokens |`,
    ...(start.gpu ? [`| computed with | ${PRECISIONS[start.gpu.precision]} |`] : []),
    ...(measures
      ? [
          `| perplexity | ${significant(measures.perplexity.model)} (original ${significant(measures.perplexity.reference)}) |`,
          `| KL divergence from the original | mean ${measures.divergence.mean.toFixed(5)}, median ${measures.divergence.median.toFixed(5)}, 99 % below ${measures.divergence.p99.toFixed(4)} |`,
          `| same likeliest word as the original | ${(measures.agreement * 100).toFixed(2)} % |`,
        ]
      : []),
    '',
    ...(measures
      ? [
          `Measured on ${measures.rows} rows of ${measures.length} tokens of text that was not used for calibration. Other text gives other numbers: compare models by the same measurement only.`,
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

/** The lines between the first two `---` of a card that begins with them. */
function frontMatter(card = ''): string[] {
  const [first, ...lines] = card.split(/\r?\n/);
  const end = lines.indexOf('---');
  return first === '---' && end >= 0 ? lines.slice(0, end) : [];
}
