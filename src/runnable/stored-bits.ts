import { PACKED_TENSORS } from '../exl2/packed-linear.ts';
import { byteLength } from '../tensor/dtype.ts';
import type { RunnableModel } from './runnable-model.ts';

/**
 * Bits per weight that an EXL2 model's attention and MLP modules take in its files: codes, scales, groups, places of
 * the input features, and biases. Undefined: the weights are not quantized.
 */
export function storedBits({ source, outline, quantization }: RunnableModel): number | undefined {
  if (!quantization) return undefined;
  let [bits, weights] = [0, 0];
  for (const { key, k, n, bias } of outline.modules.flatMap((module) => module.linears)) {
    const names = [...PACKED_TENSORS.map(([, name]) => name), ...(bias === undefined ? [] : ['bias'])];
    for (const name of names) bits += 8 * byteLength(source.requireInfo(`${key}.${name}`));
    weights += k * n;
  }
  return bits / weights;
}
