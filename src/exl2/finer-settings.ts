import { settingKey } from './groups.ts';
import { BIT_WIDTHS, type QuantParams } from './params.ts';

/** Small groups cost 0.125 bits per weight more than large ones and gain about as much, at any width. */
const GROUP_SIZE = 32;
/**
 * Each width for all rows, and half of the rows (the first of the act-order) at the next one. Quarters as well would
 * make the sum of squared errors 0.3 to 1.4 % smaller (tinystories-7m, 2.5 to 6 bits), for twice the work.
 */
const SETTINGS: readonly QuantParams[] = BIT_WIDTHS.flatMap((bits, i): QuantParams[] => {
  const next = BIT_WIDTHS[i + 1];
  if (next === undefined) return []; // ExLlamaV2's tables end with it
  return [
    [{ bits, proportion: 1, groupSize: GROUP_SIZE }],
    [
      { bits: next, proportion: 0.5, groupSize: GROUP_SIZE },
      { bits, proportion: 0.5, groupSize: GROUP_SIZE },
    ],
  ];
});

/** The smallest of {@link finerSettings}. */
export const SMALLEST_SETTING: QuantParams = SETTINGS[0]!;

/**
 * Settings beside those of ExLlamaV2's tables, in steps of half the way from each width to the next: with them a
 * linear can take what suits it, whatever the other linears of its module take. Those that `others` has are left out.
 */
export function finerSettings(k: number, others: readonly QuantParams[]): QuantParams[] {
  const seen = new Set(others.map((params) => settingKey(k, params)));
  return SETTINGS.filter((params) => seen.size < seen.add(settingKey(k, params)).size);
}
