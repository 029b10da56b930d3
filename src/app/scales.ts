/** Which step of a colour scale a value has. The colours are design tokens (styles/tokens.css), even in lightness. */

/** Lower ends of the steps of the bits scale but the first, in bits per weight. */
export const BITS_STEPS = [2.5, 3, 3.5, 4, 4.5, 5, 6, 7] as const;

/** Colours that errors have. */
const ERROR_COLOURS = 8;

/** Lower ends of the steps but the first of a scale. */
export type Steps = readonly number[];

export const bitsStep = (bits: number): number => stepOf(BITS_STEPS, bits);

export const stepOf = (steps: Steps, value: number): number => steps.filter((start) => start <= value).length;

/**
 * Steps by rank: the least of the values has the first colour and the largest the last one, whatever they are, so
 * that differences within a model show at every bitrate. A value alone is in the middle.
 */
export function rankSteps(values: readonly number[]): Steps {
  const sorted = values.toSorted((a, b) => a - b);
  const last = sorted.length - 1;
  if (last < 1) return Array(Math.floor((ERROR_COLOURS - 1) / 2)).fill(Number.NEGATIVE_INFINITY);
  return Array.from(
    { length: ERROR_COLOURS - 1 },
    (_, i) => sorted[Math.ceil(((i + 0.5) * last) / (ERROR_COLOURS - 1))]!,
  );
}

/** Maps a domain to pixels, evenly or by the logarithm. */
export interface Axis {
  readonly ticks: readonly number[];
  position(value: number): number;
}

export function linearAxis(
  [from, to]: readonly [number, number],
  [start, end]: readonly [number, number],
): Axis {
  const position = (value: number) => start + ((value - from) / (to - from)) * (end - start);
  const step = niceStep((to - from) / 4);
  const ticks: number[] = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to * (1 + 1e-9); i++) ticks.push(i * step);
  return { ticks, position };
}

/** Ticks at 1, 2, 5 of each power of ten, or at the powers alone where these are many. */
export function logAxis([from, to]: readonly [number, number], pixels: readonly [number, number]): Axis {
  const linear = linearAxis([Math.log(from), Math.log(to)], pixels);
  const factors = to / from > 300 ? [1] : [1, 3];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(from)); power <= Math.log10(to); power++) {
    ticks.push(...factors.map((factor) => factor * 10 ** power));
  }
  return {
    ticks: ticks.filter((tick) => tick >= from * 0.999 && tick <= to * 1.001),
    position: (value) => linear.position(Math.log(value)),
  };
}

/** A range around values (1e-9 and more) for {@link logAxis}: it ends at one of 1, 3, 10, 30, … on either side. */
export function logRange(values: readonly number[]): [number, number] {
  const ticks = Array.from({ length: 40 }, (_, i) =>
    Number(`${i % 2 === 0 ? 1 : 3}e${Math.floor(i / 2) - 9}`),
  );
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return [ticks.findLast((tick) => tick < least) ?? least, ticks.find((tick) => tick > most) ?? most];
}

function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= least * 0.999) ?? 10);
}
