/** A module's candidates, told as recipes. */

import { resolveGroups } from '../../exl2/groups.ts';
import { type BitWidth, describe, parseParams, type QuantParams } from '../../exl2/params.ts';
import { weightsOf } from './share.ts';
import type { StoredLinear, StoredMeasurement, StoredModule } from './stored-lessons.ts';

export interface RecipePart {
  readonly bits: BitWidth;
  /** Share of the linear's rows. */
  readonly share: number;
}

export interface Recipe {
  readonly bitsPerWeight: number;
  readonly error: number;
  readonly linears: readonly {
    readonly name: string;
    readonly setting: string;
    readonly parts: readonly RecipePart[];
  }[];
  /** The one linear that has 2 bits while all others have 8. */
  readonly starved: string | undefined;
}

/** A candidate with what each linear gets. */
export function recipe({ settings }: StoredMeasurement, module: StoredModule, index: number): Recipe {
  const { bits, error, settings: own } = module.candidates[index]!;
  const params = own.map((setting) => parseParams(settings[setting]!));
  return recipeOf(module.linears, params, bits / weightsOf(module), error);
}

/** @param settings of each linear. */
export function recipeOf(
  own: readonly Pick<StoredLinear, 'name' | 'k'>[],
  settings: readonly QuantParams[],
  bitsPerWeight: number,
  error: number,
): Recipe {
  const linears = own.map(({ name, k }, i) => {
    const params = settings[i]!;
    return { name, setting: describe(params), params, parts: partsOf(k, params) };
  });
  const least = linears.filter(({ params }) => params.every(({ bits }) => bits === 2));
  const full = linears.filter(({ params }) => params.every(({ bits }) => bits === 8));
  const alone = least.length === 1 && full.length === linears.length - 1 ? least[0] : undefined;
  return { bitsPerWeight, error, linears, starved: alone?.name };
}

function partsOf(k: number, params: QuantParams): RecipePart[] {
  const groups = resolveGroups(k, params);
  return params.flatMap(({ bits }) => {
    const rows = groups
      .filter((group) => group.bits === bits)
      .reduce((sum, { start, end }) => sum + end - start, 0);
    return rows > 0 ? [{ bits, share: rows / k }] : [];
  });
}

/** `Layer 0, attention` of `model.layers.0.self_attn`. */
export function moduleName(key: string): string {
  const [, layer, part] = /layers\.(\d+)\.(\w+)$/.exec(key) ?? [];
  return `Layer ${layer}, ${part === 'mlp' ? 'MLP' : 'attention'}`;
}
