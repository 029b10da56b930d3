import type { ModuleSpec } from '../model/spec.ts';
import type { ModuleErrors } from './quantize-module.ts';

/** What the quantization of a model costs, by the keys of its choices. */
export interface QuantizedErrors {
  /** Of a choice's modules together: they are independent, so their squares add. */
  readonly rfnErrors: ReadonlyMap<string, number>;
  /**
   * Of the linears by themselves, by the choice's key and the name of their parameters, without the head's; of experts
   * the root mean square.
   */
  readonly linearErrors: ReadonlyMap<string, number>;
  /** Each expert's, in their order, by the choice's key and the name of their parameters; of choices that have some. */
  readonly expertErrors: ReadonlyMap<string, readonly number[]>;
  /** Calibration tokens of each expert, of choices that have some. */
  readonly expertTokens: ReadonlyMap<string, readonly number[]>;
}

/** @param errors of every module. */
export function quantizedErrors(errors: ReadonlyMap<ModuleSpec, ModuleErrors>): QuantizedErrors {
  const rfnErrors = new Map<string, number>();
  const linearErrors = new Map<string, number>();
  const expertErrors = new Map<string, readonly number[]>();
  const expertTokens = new Map<string, readonly number[]>();
  for (const key of new Set([...errors.keys()].map(({ choice }) => choice))) {
    const modules = [...errors.keys()].filter(({ choice }) => choice === key);
    const own = modules.map((module) => errors.get(module)!);
    rfnErrors.set(key, Math.hypot(...own.map(({ rfnError }) => rfnError)));
    const byName = new Map<string, number[]>();
    for (const [i, { linears }] of modules.entries()) {
      for (const { name, paramsName } of linears) {
        const error = own[i]!.linearErrors[name]!;
        byName.set(paramsName, [...(byName.get(paramsName) ?? []), error]);
      }
    }
    const tokens = own.flatMap((each) => each.expertTokens ?? []);
    if (tokens.length > 0) expertTokens.set(key, tokens);
    for (const [name, values] of byName) {
      linearErrors.set(`${key}.${name}`, Math.hypot(...values) / Math.sqrt(values.length));
      if (tokens.length > 0) expertErrors.set(`${key}.${name}`, values);
    }
  }
  return { rfnErrors, linearErrors, expertErrors, expertTokens };
}
