/** A conversion's events with their times, in few bytes: trials and linears are thousands, and repeat their words. */

import type { ConvertEvent, LinearEvent, ProgressEvent, TrialEvent } from '../events.ts';

/** Events that came together. */
export interface Batch {
  /** Milliseconds of work since the start. */
  readonly time: number;
  /** The bitrate under way; not while it measures. */
  readonly bits?: number;
  readonly events: readonly ConvertEvent[];
}

export interface PackedRecording {
  /** What packed events name by its number. */
  readonly words: readonly string[];
  readonly batches: readonly PackedBatch[];
}

/** `bits`: 0 while it measures. */
export type PackedBatch = readonly [time: number, bits: number, ...PackedEvent[]];

/** Numbers that are named as such count; the others are words. */
type PackedEvent = PackedTrial | PackedLinear | PackedProgress | ConvertEvent;

/** The settings are those of its linears, with their names. */
type PackedTrial = readonly [
  kind: 'tried' | 'predicted',
  module: number,
  candidate: number,
  error: number,
  bits: number,
  ...settings: number[],
];

/** `rest`: what its key has after that of its choice. `expert`: −1 where it has none. */
type PackedLinear = readonly [
  kind: 'linear',
  choice: number,
  rest: number,
  name: number,
  expert: number,
  bits: number,
  error?: number,
];

type PackedProgress = readonly [
  kind: 'progress',
  stage: number,
  done: number,
  total: number,
  unit: number,
  detail: number,
];

type NumberOf = (word: string) => number;

/** As many digits as are ever shown, and some. */
const short = (value: number): number => Number(value.toPrecision(5));

/** @param numberOf the number of a word in {@link PackedRecording.words} */
export function packEvent(event: ConvertEvent, numberOf: NumberOf): PackedEvent {
  switch (event.type) {
    case 'trial':
      return packTrial(event, numberOf);
    case 'linear':
      return packLinear(event, numberOf);
    case 'progress': {
      const { stage, done, total, unit, detail } = event;
      return ['progress', numberOf(stage), done, total, numberOf(unit), numberOf(detail)];
    }
    default:
      return event;
  }
}

const packTrial = (
  { module, candidate, error, bitsPerWeight, description, predicted }: TrialEvent,
  numberOf: NumberOf,
): PackedTrial => [
  predicted ? 'predicted' : 'tried',
  ...([numberOf(module), candidate, short(error), short(bitsPerWeight)] as const),
  ...description.split(', ').map(numberOf),
];

function packLinear(event: LinearEvent, numberOf: NumberOf): PackedLinear | LinearEvent {
  const { key, choice, name, expert = -1, bitsPerWeight, error } = event;
  // The head belongs to none.
  if (choice === undefined || name === undefined || !key.startsWith(choice)) return event;
  const words = [numberOf(choice), numberOf(key.slice(choice.length)), numberOf(name)] as const;
  const packed = ['linear', ...words, expert, short(bitsPerWeight)] as const;
  return error === undefined ? packed : [...packed, short(error)];
}

export const unpackBatches = ({ words, batches }: PackedRecording): Batch[] =>
  batches.map(([time, bits, ...events]) => ({
    time,
    ...(bits > 0 && { bits }),
    events: events.map((event) => ('type' in event ? event : unpackEvent(event, words))),
  }));

function unpackEvent(
  packed: Exclude<PackedEvent, ConvertEvent>,
  words: readonly string[],
): TrialEvent | LinearEvent | ProgressEvent {
  const word = (number: number): string => words[number] ?? '';
  switch (packed[0]) {
    case 'linear': {
      const [type, choice, rest, name, expert, bitsPerWeight, error] = packed;
      return {
        ...{ type, key: word(choice) + word(rest), choice: word(choice), name: word(name), bitsPerWeight },
        ...(expert >= 0 && { expert }),
        ...(error !== undefined && { error }),
      };
    }
    case 'progress': {
      const [type, stage, done, total, unit, detail] = packed;
      const words = { stage: word(stage), unit: word(unit) } as Pick<ProgressEvent, 'stage' | 'unit'>;
      return { type, ...words, done, total, detail: word(detail) };
    }
    default: {
      const [kind, module, candidate, error, bitsPerWeight, ...settings] = packed;
      const description = settings.map(word).join(', ');
      const figures = { candidate, error, bitsPerWeight, predicted: kind === 'predicted' };
      return { type: 'trial', module: word(module), ...figures, description };
    }
  }
}
