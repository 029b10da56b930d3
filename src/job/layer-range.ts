import type { ModelPlan } from '../model/spec.ts';
import { InputError } from '../util/errors.ts';

/** Layers of a model, counted from 0, both ends included. */
export interface LayerRange {
  readonly first: number;
  readonly last: number;
}

/** `4-7`. */
export const rangeText = ({ first, last }: LayerRange): string => `${first}-${last}`;

/** Reads `4-7`; `what` names it in messages. Throws InputError. */
export function parseLayerRange(text: string, what: string): LayerRange {
  const [, first, last] = /^(\d{1,6})-(\d{1,6})$/.exec(text) ?? [];
  if (first === undefined || last === undefined) {
    throw new InputError(
      `${what} ${text}: expected the first and the last layer, counted from 0, as in 0-7.`,
    );
  }
  const range = { first: Number(first), last: Number(last) };
  if (range.first <= range.last) return range;
  throw new InputError(`${what} ${text} ends before it begins: write ${last}-${first}.`);
}

/** Throws InputError when the model has no such layers. */
export function checkLayers({ config: { layers } }: ModelPlan, range: LayerRange | undefined): void {
  if (range === undefined || range.last < layers) return;
  throw new InputError(
    `Layers ${rangeText(range)} are to be measured, but the model has ${layers} layers: 0-${layers - 1}.`,
  );
}
