/** What quantization parameters mean for the linears of a module. */

import type { ModelFacts, ModuleFacts } from '../../workers/api/model.ts';
import { type Candidate, headParams } from '../exl2/candidates.ts';
import { totalBits } from '../exl2/groups.ts';
import { type BitWidth, parseParams, type QuantParams } from '../exl2/params.ts';

/** Bits per weight of each linear of a module, by name. */
export type LinearBits = Readonly<Record<string, number>>;

/** Parameters of a module's linears from the words of a trial or an allocation, e.g. `q_proj 1:4b_128g s4, k_proj …`. */
export function parseDescription(description: string): Candidate {
  const parts = description.split(', ').map((part) => {
    const space = part.indexOf(' ');
    return [part.slice(0, space), parseParams(part.slice(space + 1))] as const;
  });
  return Object.fromEntries(parts);
}

export function linearBits({ linears }: ModuleFacts, candidate: Candidate): LinearBits {
  return Object.fromEntries(
    linears.flatMap(({ name, k, n }) => {
      const params = candidate[name];
      return params ? [[name, bitsPerWeight(k, n, params)] as const] : [];
    }),
  );
}

/** Bits per weight of the output head, with scales and indices. */
export const headBitsPerWeight = ({ hiddenSize: k, vocabSize: n }: ModelFacts, headBits: BitWidth): number =>
  bitsPerWeight(k, n, headParams(headBits));

const bitsPerWeight = (k: number, n: number, params: QuantParams): number =>
  totalBits(k, n, params, false) / (k * n);

/** A setting in words: `10 % at 4 bits in groups of 128, 90 % at 3 bits in groups of 128`. */
export const describeParams = (params: QuantParams): string =>
  params
    .map(({ proportion, bits, groupSize }) => {
      const share = proportion === 1 ? 'all' : `${Math.round(proportion * 100)} %`;
      return `${share} at ${bits} bits in groups of ${groupSize}`;
    })
    .join(', ');
