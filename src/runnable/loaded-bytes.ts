import { padColumns } from '../exl2/packed-linear.ts';
import type { LinearSpec } from '../model/spec.ts';
import { byteLength, DTYPES } from '../tensor/dtype.ts';
import type { Residence } from './residence.ts';
import type { RunnableModel } from './runnable-model.ts';

/** Tensors of a packed linear that go onto the GPU in the size that they have in the file. */
const KEPT = ['q_weight', 'q_scale', 'q_invperm'];

const linearsOf = ({ outline }: RunnableModel): LinearSpec[] => [
  ...outline.modules.flatMap((module) => module.linears),
  outline.head,
];

const total = (linears: readonly LinearSpec[], bytes: (linear: LinearSpec) => number): number =>
  linears.reduce((sum, linear) => sum + bytes(linear), 0);

const expanded = ({ k, n }: LinearSpec): number => 4 * k * padColumns(n);

/**
 * Bytes of GPU memory that a model's weights take at least when it is loaded for generating: EXL2 as packed, else f32.
 * Cache and activations come on top.
 */
export function loadedBytes(model: RunnableModel): number {
  const { source, quantization } = model;
  const packed = ({ key }: LinearSpec) =>
    KEPT.reduce((sum, name) => sum + byteLength(source.requireInfo(`${key}.${name}`)), 0);
  return total(linearsOf(model), quantization ? packed : expanded);
}

/** The fastest that a GPU memory budget allows; cache and activations come on top. EXL2 weights are always ready. */
export function residenceFor(model: RunnableModel, budget: number): Residence {
  if (model.quantization || loadedBytes(model) <= budget) return 'ready';
  const { source, outline } = model;
  const inFile = ({ k, n, weight }: LinearSpec) => k * n * DTYPES[source.requireInfo(weight).dtype].bytes;
  const largest = Math.max(...outline.modules.map(({ linears }) => total(linears, expanded)));
  return total(linearsOf(model), inFile) + largest <= budget ? 'stored' : 'streamed';
}
