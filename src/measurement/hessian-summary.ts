import type { SafetensorsFile } from '../io/safetensors/reader.ts';
import type { InputKey } from '../model/spec.ts';
import type { HostTensor } from '../tensor/dtype.ts';
import { toFloat } from '../tensor/float-tensor.ts';

/** What is kept of a Hessian H = Σ xᵀx (k, k), to be looked at. */
export interface HessianSummary {
  /** (k): the power of each input feature. */
  readonly diagonal: Float32Array;
  /** (side, side), symmetric: the mean of |H| over each of so many blocks of neighbouring features. */
  readonly blocks: Float32Array;
  /** Calibration tokens in the sum. */
  readonly tokens: number;
}

/** Of each distinct input of a module's linears. */
export type HessianSummaries = ReadonlyMap<InputKey, HessianSummary>;

/** At most so many blocks to a side. */
const SIDE = 64;

export const summarySide = (k: number): number => Math.min(SIDE, k);

/** First input feature of block `block`; with `side` the end of the last. */
export const blockEdge = (k: number, block: number): number => Math.floor((block * k) / summarySide(k));

const FIELDS = ['diagonal', 'blocks'] as const;

/** What a module's artefact holds: tensors `postNorm.diagonal`, `postNorm.blocks`, …, and the tokens of each input. */
export function summaryTensors(summaries: HessianSummaries): {
  readonly tensors: HostTensor[];
  readonly metadata: { readonly tokens: string };
} {
  const tensors = [...summaries].flatMap(([input, summary]) =>
    FIELDS.map((field): HostTensor => {
      const { buffer, byteOffset, byteLength, length } = summary[field];
      const data = new Uint8Array(buffer, byteOffset, byteLength);
      const side = summarySide(summary.diagonal.length);
      return {
        name: `${input}.${field}`,
        dtype: 'F32',
        shape: field === 'blocks' ? [side, side] : [length],
        data,
      };
    }),
  );
  const tokens = Object.fromEntries([...summaries].map(([input, summary]) => [input, summary.tokens]));
  return { tensors, metadata: { tokens: JSON.stringify(tokens) } };
}

/** The summary of one input from the file of {@link summaryTensors}. */
export async function readSummary(file: SafetensorsFile, input: InputKey): Promise<HessianSummary> {
  const read = async (field: string) => toFloat(await file.read(`${input}.${field}`), file.name).data;
  const tokens = (JSON.parse(file.metadata.get('tokens') ?? '{}') as Record<string, number>)[input] ?? 0;
  return { diagonal: await read('diagonal'), blocks: await read('blocks'), tokens };
}
