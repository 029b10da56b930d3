import { paramsToJson, type QuantParamsJson } from '../exl2/params-json.ts';
import type { Strategy } from './optimize.ts';

/** The strategy as ExLlamaV2's job file holds it: for each module accuracy, bits and every linear's parameters. */
export function strategyToJson({ params, accuracies, event }: Strategy): Record<string, unknown> {
  return Object.fromEntries(
    event.modules.map(({ key, totalBits }) => {
      const linears: [string, QuantParamsJson][] = Object.entries(params.get(key)!).map(([name, setting]) => [
        name,
        paramsToJson(setting),
      ]);
      return [key, { accuracy: accuracies.get(key)!, total_bits: totalBits, ...Object.fromEntries(linears) }];
    }),
  );
}
