import type { Family } from '../families/family.ts';
import type { Fields } from './fields.ts';

type Windows = readonly (number | undefined)[];

const POSITIONS = { min: 1, max: 2 ** 31 };
/** What transformers assumes for Qwen where config.json is silent. */
const DEFAULT_MAX_WINDOW_LAYERS = 28;
const LAYER_TYPES = ['full_attention', 'sliding_attention'];

/** The sliding window of each layer in tokens, undefined where the layer sees everything before it. */
export function parseWindows(
  fields: Fields,
  { attention: { windows }, defaults }: Family,
  layers: number,
): Windows {
  if (windows === 'none') return Array(layers).fill(undefined);
  if (windows === 'everyLayer') return Array(layers).fill(parseWindow(fields, defaults));
  if (windows === 'pattern') return windowsByPattern(fields, layers, defaults);
  const window = fields.boolean('use_sliding_window') ? parseWindow(fields, defaults) : undefined;
  return windowsByType(fields, layers, window);
}

function windowsByPattern(fields: Fields, layers: number, defaults: Family['defaults']): Windows {
  const window = parseWindow(fields, defaults);
  if (fields.texts('layer_types')) return windowsByType(fields, layers, window);
  const range = { min: 1, max: 2 ** 24 };
  const pattern =
    fields.integer('sliding_window_pattern', range) ??
    fields.integer('_sliding_window_pattern', range) ??
    defaults.windowPattern!;
  return Array.from({ length: layers }, (_, layer) => ((layer + 1) % pattern === 0 ? undefined : window));
}

/** An explicit null means no window; only an absent field takes the family's default. */
function parseWindow(fields: Fields, defaults: Family['defaults']): number | undefined {
  const key = 'sliding_window';
  return fields.isNull(key) ? undefined : (fields.integer(key, POSITIONS) ?? defaults.slidingWindow);
}

function windowsByType(fields: Fields, layers: number, window: number | undefined): Windows {
  const types = fields.texts('layer_types');
  if (!types) {
    const first = fields.integer('max_window_layers', { min: 0, max: 2 ** 24 }) ?? DEFAULT_MAX_WINDOW_LAYERS;
    return Array.from({ length: layers }, (_, layer) => (layer >= first ? window : undefined));
  }
  if (types.length !== layers || !types.every((type) => LAYER_TYPES.includes(type))) {
    throw fields.wrong(
      'layer_types',
      `${layers} names (num_hidden_layers), each ${LAYER_TYPES.join(' or ')}`,
    );
  }
  if (window === undefined && types.includes('sliding_attention')) {
    throw fields.wrong('layer_types', 'no sliding_attention, as use_sliding_window or sliding_window is off');
  }
  return types.map((type) => (type === 'sliding_attention' ? window : undefined));
}
