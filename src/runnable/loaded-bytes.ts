import { padColumns } from '../exl2/packed-linear.ts';
import type { LinearSpec } from '../model/spec.ts';
import { byteLength, DTYPES } from '../tensor/dtype.ts';
import type { Residence } from './residence.ts';
import type { RunnableModel } from './runnable-model.ts';

/** Tensors of a packed linear that go onto the GPU in the size that they have in the file. */
const KEPT = ['q_weight', 'q_scale', 'q_invperm'];

/**
 * Bytes of GPU memory that a model's weights take at least when it is loaded for generating: EXL2 as packed, else f32.
 * Cache and activations come on top.
 */
export function loadedBytes({ source, outline, quantization }: RunnableModel): number {
  const linears = [...outline.modules.flatMap((module) => module.linears), outline.head];
  const bytes = quantization
    ? ({ key }: LinearSpec) =>
        KEPT.reduce((sum, name) => sum + byteLength(source.requireInfo(`${key}.${name}`)), 0)
    : ({ k, n }: LinearSpec) => k * padColumns(n) * 4;
  return linears.reduce((sum, linear) => sum + bytes(linear), 0);
}

/** The fastest that a GPU memory budget allows; cache and activations come on top. EXL2 weights are always ready. */
export function residenceFor(model: RunnableModel, budget: number): Residence {
  if (model.quantization || loadedBytes(model) <= budget) return 'ready';
  const { source, outline } = model;
  const sum = (linears: readonly LinearSpec[], bytes: (linear: LinearSpec) => number) =>
    linears.reduce((total, linear) => total + bytes(linear), 0);
  const expanded = ({ k, n }: LinearSpec) => 4 * k * padColumns(n);
  const stored = ({ k, n, weight }: LinearSpec) => k * n * DTYPES[source.requireInfo(weight).dtype].bytes;
  const linears = [...outline.modules.flatMap((module) => module.linears), outline.head];
  const largest = Math.max(...outline.modules.map((module) => sum(module.linears, expanded)));
  return sum(linears, stored) + largest <= budget ? 'stored' : 'streamed';
}
