import type { CalibrationRows } from '../calibrate/rows.ts';
import { isJsonObject } from '../io/json/json.ts';
import type { StageContext } from '../job/context.ts';
import { modelFingerprint, rowsFingerprint } from '../job/job.ts';
import { type LayerRange, rangeText } from '../job/layer-range.ts';
import type { ConvertSettings } from '../job/settings.ts';
import { InputError } from '../util/errors.ts';
import { type Measurement, modulesToJson, moduleToJson } from './measurement-json.ts';

/** What slices must have in common to belong together. */
export interface SliceOrigin {
  /** Of the whole model. */
  readonly layers: number;
  readonly model: string;
  readonly measurement_rows: string;
  readonly quantizer: string;
  readonly precision: string;
  readonly rope_scale: number | null;
  readonly rope_alpha: number | null;
}

/** A slice as it was read from a file. */
export interface Slice {
  /** The file, for messages. */
  readonly name: string;
  readonly layers: LayerRange;
  readonly origin: SliceOrigin;
  /** Candidates by module, of all modules of these layers and no others; as in measurement.json. */
  readonly modules: ReadonlyMap<string, unknown>;
}

const ORIGIN: Readonly<Record<keyof SliceOrigin, string>> = {
  layers: 'number of layers',
  model: 'model',
  measurement_rows: 'calibration rows',
  quantizer: 'quantizer',
  precision: 'precision',
  rope_scale: 'RoPE scale',
  rope_alpha: 'RoPE alpha',
};

/** Where a slice that is measured now comes from. */
export const sliceOrigin = async (
  { source, plan }: StageContext,
  { quantizer, precision, ropeScale, ropeAlpha }: ConvertSettings,
  rows: CalibrationRows,
): Promise<SliceOrigin> => ({
  layers: plan.config.layers,
  model: await modelFingerprint(source),
  measurement_rows: await rowsFingerprint(rows),
  quantizer: quantizer.method,
  precision,
  rope_scale: ropeScale ?? null,
  rope_alpha: ropeAlpha ?? null,
});

/** What {@link readSlice} reads. */
export const sliceToJson = (
  modules: Measurement['modules'],
  { first, last }: LayerRange,
  origin: SliceOrigin,
): unknown => ({
  measurement: Object.fromEntries([...modules].map(([key, candidates]) => [key, moduleToJson(candidates)])),
  slice: { first, last, ...origin },
});

const layerOf = (key: string): number => Number(/(?:^|\.)model\.layers\.(\d+)\./.exec(key)?.[1]);

/** Throws InputError when it is no slice, or modules and layers do not agree. */
export function readSlice(json: unknown, name: string): Slice {
  const { measurement, slice } = isJsonObject(json) ? json : {};
  if (!isJsonObject(measurement) || !isJsonObject(slice)) {
    throw new InputError(`${name} is no slice of a measurement: make it with --measure-layers.`);
  }
  const { first, last, ...origin } = slice as unknown as LayerRange & SliceOrigin;
  const modules = new Map(Object.entries(measurement));
  const found = new Set([...modules.keys()].map(layerOf));
  const isWhole =
    [first, last, origin.layers].every(Number.isSafeInteger) &&
    0 <= first &&
    first <= last &&
    last < origin.layers &&
    found.size === last - first + 1 &&
    [...found].every((layer) => layer >= first && layer <= last) &&
    [...modules.values()].every((candidates) => Array.isArray(candidates) && candidates.length > 0);
  if (isWhole) return { name, layers: { first, last }, origin, modules };
  throw new InputError(
    `${name} does not hold the layers that it says: the file is damaged; measure it again.`,
  );
}

/**
 * Joins slices to the measurement.json that one run over all layers writes.
 * @throws InputError when they do not belong together, differ where they overlap, or leave a gap.
 */
export function mergeSlices(slices: readonly Slice[]): unknown {
  const sorted = slices.toSorted((a, b) => a.layers.first - b.layers.first);
  const [reference] = sorted;
  if (!reference) throw new InputError('There are no slices to join.');
  for (const slice of sorted) checkOrigin(reference, slice);
  checkGaps(sorted, reference.origin.layers);
  const merged = new Map<string, { candidates: unknown; from: Slice }>();
  for (const slice of sorted) {
    for (const [key, candidates] of slice.modules) {
      const other = merged.get(key);
      if (!other) merged.set(key, { candidates, from: slice });
      else if (JSON.stringify(other.candidates) !== JSON.stringify(candidates)) {
        throw new InputError(
          `${described(other.from)} and ${described(slice)} differ in ${key}: leave one of them out, or measure it again.`,
        );
      }
    }
  }
  return modulesToJson([...merged].map(([key, { candidates }]) => [key, candidates]));
}

const described = ({ name, layers }: Slice): string => `${name} (layers ${rangeText(layers)})`;

function checkOrigin(a: Slice, b: Slice): void {
  const names = Object.keys(ORIGIN) as (keyof SliceOrigin)[];
  const different = names.filter((name) => a.origin[name] !== b.origin[name]);
  if (different.length === 0) return;
  const list = different.map((name) => `  ${ORIGIN[name]}: ${a.origin[name]} and ${b.origin[name]}`);
  throw new InputError(
    `${described(a)} and ${described(b)} do not belong together:\n${list.join('\n')}\nMeasure all slices of one model with the same options.`,
  );
}

/** `sorted` by their first layers. */
function checkGaps(sorted: readonly Slice[], layers: number): void {
  const missing: LayerRange[] = [];
  let next = 0;
  for (const { layers: slice } of sorted) {
    if (slice.first > next) missing.push({ first: next, last: slice.first - 1 });
    next = Math.max(next, slice.last + 1);
  }
  if (next < layers) missing.push({ first: next, last: layers - 1 });
  if (missing.length === 0) return;
  throw new InputError(
    `Layers ${missing.map(rangeText).join(', ')} of 0-${layers - 1} are missing; there are ${sorted.map(described).join(', ')}. Measure them with --measure-layers.`,
  );
}
