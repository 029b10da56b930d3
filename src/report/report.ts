import type { Precision } from '../autotune/precision.ts';
import type { Metrics } from '../evaluate/metrics.ts';
import { datasetText } from '../job/settings.ts';
import { STAGE_TITLES } from '../job/stages.ts';
import { formatDecimalSize } from '../util/text/byte-size.ts';
import { formatDuration } from '../util/text/duration.ts';
import { plainText } from '../util/text/plain-text.ts';
import { shortName } from '../util/text/short-name.ts';
import { type Html, html, NOTHING, table } from './html.ts';
import { allocationSection, errorSection, expertSection } from './layer-sections.ts';
import type { ReportData, RowFacts } from './report-data.ts';
import { STYLE } from './style.ts';
import { barPicture } from './svg.ts';

/** Of forward passes and Hessians; the rest is always f32. */
export const PRECISIONS: Readonly<Record<Precision, string>> = {
  mixed: 'mixed: products of activations with factors of 16 bits, sums of 32',
  f32: 'f32: 32 bits throughout',
};

/** report.html: one file that needs nothing else. */
export function reportPage(data: ReportData): string {
  const { start, settings, date } = data;
  const name = plainText(shortName(start.model.name));
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name} at ${settings.bits} bpw</title>
<style>${{ markup: STYLE }}</style>
</head>
<body><main>
<h1>${name} at ${settings.bits} bits per weight</h1>
<p class="dim">EXL2 conversion of ${date.toISOString().slice(0, 16).replace('T', ' ')} UTC</p>
${facts(data)}
${warnings(data)}
${metricsSection(data.metrics)}
${allocationSection(data.modules)}
${errorSection(data.modules)}
${expertSection(data.modules)}
${calibrationSection(data)}
${settingsSection(data)}
${timeSection(data)}
</main></body>
</html>
`;
  return page.markup;
}

function facts({ bitsPerWeight, settings, outputBytes, start, metrics }: ReportData): Html {
  const fact = (name: string, value: string, more: string) =>
    html`<div><dt>${name}</dt><dd>${value}<small>${more}</small></dd></div>`;
  const measured = metrics
    ? [
        fact(
          'Perplexity',
          metrics.perplexity.model.toFixed(3),
          `original ${metrics.perplexity.reference.toFixed(3)}`,
        ),
        fact('KL divergence', metrics.divergence.mean.toFixed(4), 'mean, nats a token'),
        fact('Top-1 agreement', `${(metrics.agreement * 100).toFixed(1)} %`, 'of the tokens'),
      ]
    : [];
  return html`<dl class="facts">
${fact('Bits per weight', bitsPerWeight.toFixed(3), `asked for ${settings.bits}; head ${settings.headBits}`)}
${fact('Size', formatDecimalSize(outputBytes), `original ${formatDecimalSize(start.model.bytes)}`)}
${measured}</dl>`;
}

const warnings = ({ warnings: list }: ReportData): Html =>
  list.length === 0
    ? NOTHING
    : html`<h2>Warnings</h2><ul class="warnings">${list.map((text) => html`<li>${text}</li>`)}</ul>`;

function metricsSection(metrics: Metrics | undefined): Html {
  if (!metrics) return NOTHING;
  const { rows, length, divergence, byPosition } = metrics;
  const bars = byPosition.map(({ first, last, ...at }) => {
    const name = first === last ? `${first}` : `${first}–${last}`;
    const detail = `${name} tokens before: ${at.divergence.toFixed(5)} nats, top-1 agreement ${(at.agreement * 100).toFixed(1)} %`;
    return { name, value: at.divergence, detail };
  });
  return html`<h2>What quantization cost</h2>
<p>The written model beside the original on text that was not used for calibration: ${rows} rows of ${length} tokens.
KL divergence has a median of ${divergence.median.toFixed(5)} nats; 99 % of the tokens have less than ${divergence.p99.toFixed(3)}.</p>
<figure><figcaption>Mean KL divergence by the number of tokens before</figcaption>
${barPicture('Mean KL divergence by position', bars, (value) => value.toFixed(4))}</figure>`;
}

function calibrationSection({ calibration, settings }: ReportData): Html {
  const { measurement, quantization } = calibration;
  const names = [...new Set([...measurement.sources, ...quantization.sources].map(([name]) => name))];
  const count = ({ sources }: RowFacts, name: string) =>
    String(sources.find(([other]) => other === name)?.[1] ?? 0);
  return html`<h2>Calibration</h2>
<p>Data set “${plainText(datasetText(settings.dataset))}”: ${measurement.rows} rows of ${measurement.length} tokens to measure,
${quantization.rows} rows of ${quantization.length} to quantize.</p>
${table(
  ['Source', 'Rows to measure', 'Rows to quantize'],
  names.map((name) => [name, count(measurement, name), count(quantization, name)]),
)}`;
}

function settingsSection({ start, settings, perplexity }: ReportData): Html {
  const { model } = start;
  const pinned = Object.entries(settings.pinned ?? {}).map(([key, candidate]) => `${key}: ${candidate}`);
  const rows: (readonly [string, string])[] = [
    ['Model', plainText(shortName(model.name))],
    ['Architecture', `${model.architecture}, ${model.layers} layers, hidden size ${model.hiddenSize}`],
    ['Parameters', model.parameters.toLocaleString('en')],
    ['Weights as they were', `${model.dtypes.join(', ')}, ${formatDecimalSize(model.bytes)}`],
    ['Target', `${settings.bits} bits per weight, head ${settings.headBits} bits`],
    ...(start.gpu ? [['Precision', PRECISIONS[start.gpu.precision]] as const] : []),
    ...(settings.ropeScale ? [['Rope scale', String(settings.ropeScale)] as const] : []),
    ...(settings.ropeAlpha ? [['Rope alpha', String(settings.ropeAlpha)] as const] : []),
    ...(pinned.length > 0 ? [['Fixed by hand', pinned.join(', ')] as const] : []),
    ...(settings.measurement ? [['Measurement', 'made in a run before this one, or given'] as const] : []),
    ...[...perplexity.values()].map(
      ({ model: which, value, tokens }) =>
        [`Perplexity on calibration rows, ${which}`, `${value.toFixed(4)} (${tokens} tokens)`] as const,
    ),
  ];
  return html`<h2>Configuration</h2>${table(['What', 'Value'], rows)}`;
}

function timeSection({ stages, start, gpuPeakBytes }: ReportData): Html {
  const times = [...stages].map(([stage, seconds]) => [
    STAGE_TITLES[stage],
    seconds === 'reused' ? 'taken from an earlier run' : formatDuration(seconds),
  ]);
  const { gpu } = start;
  const memory =
    gpuPeakBytes === undefined ? '' : `, at most ${formatDecimalSize(gpuPeakBytes)} of its memory used`;
  const device = gpu ? `${gpu.name}${gpu.software ? ' (in software)' : ''}${memory}` : 'unknown';
  return html`<h2>Time and machine</h2>${table(['Stage', 'Time'], times)}<p class="dim">GPU: ${device}</p>`;
}
