/** Sentences about a job's own linear. */

import type { JobRecord } from '../../../workers/api/jobs.ts';
import type { Group } from '../../exl2/params.ts';
import type { InspectedLinear } from '../../learn/kept/inspected.ts';
import { formatBits } from '../format.ts';
import { capitalized } from '../module-words.ts';
import type { ModuleView } from '../state/job-view.ts';
import type { InspectCard } from './titles.ts';

/** Whole numbers with commas between thousands: `38,912`. */
export const counted = (count: number): string => count.toLocaleString('en-GB');

const TEXTS: Readonly<Record<InspectCard, string>> = {
  2: 'H = Σ xᵀx adds up what this linear reads at each calibration token. Its diagonal is the power of each input; the rest says which inputs move together.',
  4: 'Rows were rounded from the top, the loudest input first. What rounding a row cost, the rows below it made up for as far as they could.',
  6: 'Measuring tried these recipes on this module: bits and groups for each linear. Each dot is one; choose a dot to read it.',
};

export const cardText = (card: InspectCard): string => TEXTS[card];

/** What a Hessian was summed of. */
export function heardWords({ stage, tokens }: NonNullable<InspectedLinear['heard']>): string {
  const states =
    stage === 'measure'
      ? 'as the original model makes them, while it was measured'
      : 'as the quantized modules before it make them';
  return `${counted(tokens)} calibration tokens, ${states}.`;
}

/** `Rows 1–416 at 4 bits in groups of 128, rows 417–4,096 at 3 bits in groups of 128.` */
export function groupWords(groups: readonly Group[]): string {
  const words = bitRuns(groups)
    .map(({ bits, start, end, size }) => {
      const rows =
        start === 0 && end === groups.at(-1)!.end
          ? `all ${counted(end)} rows`
          : `rows ${counted(start + 1)}–${counted(end)}`;
      return `${rows} at ${bits} bits in groups of ${size}`;
    })
    .join(', ');
  return `${capitalized(words)}.`;
}

/** Neighbouring groups of the same bits, as one. `size`: rows of the first group. */
export function bitRuns(groups: readonly Group[]): (Group & { readonly size: number })[] {
  const runs: (Group & { readonly size: number })[] = [];
  for (const group of groups) {
    const last = runs.at(-1);
    if (last?.bits === group.bits) runs[runs.length - 1] = { ...last, end: group.end };
    else runs.push({ ...group, size: group.end - group.start });
  }
  return runs;
}

export interface Missing {
  readonly title: string;
  readonly text: string;
  /** The folders have to be allowed again. */
  readonly locked?: true;
}

/** Why there is nothing of what a linear hears, for a bitrate. */
export function nothingHeard(record: JobRecord, bits: number, { measured, rfnError }: ModuleView): Missing {
  if (rfnError !== undefined || isMade(record, bits))
    return {
      title: 'This conversion has kept nothing of it',
      text: 'It was made by an earlier version of the page. Convert the model again to see it.',
    };
  if (measured || record.measured)
    return {
      title: 'The measurement has kept nothing of it',
      text: 'It was taken over, or made by an earlier version of the page. What this linear hears is shown here once its module is quantized.',
    };
  return {
    title: 'This module has not been measured yet',
    text: 'Its H is added up when its turn comes, and shown here then.',
  };
}

const isMade = ({ results }: JobRecord, bits: number): boolean =>
  results.some((result) => result.bits === bits);

/** Why there is nothing of how a linear was rounded. */
export const nothingRounded = (record: JobRecord, bits: number): Missing =>
  isMade(record, bits)
    ? {
        title: 'The output cannot be read now',
        text: 'It is in a folder of yours, which the browser lets the page read only when you allow it again.',
        locked: true,
      }
    : {
        title: 'This linear has not been quantized yet',
        text: `It is rounded when the turn of its module comes, at ${formatBits(bits)} bpw, and shown here then.`,
      };
