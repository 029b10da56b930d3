/** What each stage does, in a sentence for people who see it for the first time. */

import { formatBits } from './format.ts';
import { capitalized, moduleTitle } from './module-words.ts';
import { currentStage, type JobView, moduleUnderWork } from './state/job-view.ts';

/** What is tried now, and where it is to be seen. */
export function stageSentence(view: JobView): string {
  const module = moduleUnderWork(view);
  const title = module ? capitalized(moduleTitle(module)) : 'Each module';
  switch (currentStage(view)) {
    case undefined:
      return 'The model and the GPU are being opened; the first module follows.';
    case 'calibrate':
      return calibrationSentence(view);
    case 'measure':
      return `${title} is rounded in many ways, and calibration text runs through each: how far its output moves is the error of that way, a dot in the chart; what finer mixes lose follows from it. Then its row fills with what it would get now.`;
    case 'optimize':
      return `The bits are shared out: each module takes one of its ways, so that all errors together are least within ${formatBits(view.bits)} bits per weight.`;
    case 'quantize':
      return `${title} is rounded for good, weight after weight: what each rounding does wrong is made up for in the weights behind it. Then the text goes on through the rounded weights: later modules are rounded for what they will really read.`;
    case 'compile':
      return 'The packed weights are written, and each is read back and compared.';
    case 'evaluate':
      return 'Original and quantized model read the same text, which was kept out of the calibration: what has it cost?';
  }
}

function calibrationSentence({ progress }: JobView): string {
  if (progress?.unit === 'bytes')
    return 'All weights are read once: one that cannot be right is found now, and not after an hour’s work.';
  if (progress?.unit === 'steps')
    return 'The original reads a text that is kept out of the calibration: by that the result will be judged.';
  return 'Calibration text is cut into tokens: it will run through the model to see which weights matter.';
}

/** `2 of 12 modules are measured`; empty when nothing is. */
export function keptWords({ record, modules }: JobView, quantized: number, parts: number): string {
  const all = record.model.modules.length;
  const measured = record.measured ? all : [...modules.values()].filter((module) => module.measured).length;
  const words = [
    measured > 0 &&
      (measured === all ? 'all modules are measured' : `${measured} of ${all} modules are measured`),
    record.results.length > 0 &&
      `${record.results.map(({ bits }) => formatBits(bits)).join(' and ')} bpw is finished`,
    quantized > 0 && `${quantized} of ${parts} parts are quantized${nextWords(record)}`,
  ];
  return words.filter(Boolean).join(', ');
}

function nextWords({ targets, results }: JobView['record']): string {
  const next = targets.find(({ bits }) => results.every((result) => result.bits !== bits));
  return next && targets.length > 1 ? ` to ${formatBits(next.bits)} bpw` : '';
}
