/** Every dtype this project reads or writes, by its safetensors name. */
export const DTYPES = {
  F64: { bytes: 8 },
  F32: { bytes: 4 },
  F16: { bytes: 2 },
  BF16: { bytes: 2 },
  I64: { bytes: 8 },
  I32: { bytes: 4 },
  I16: { bytes: 2 },
  I8: { bytes: 1 },
  U64: { bytes: 8 },
  U32: { bytes: 4 },
  U16: { bytes: 2 },
  U8: { bytes: 1 },
  BOOL: { bytes: 1 },
  F8_E4M3: { bytes: 1 },
  F8_E5M2: { bytes: 1 },
} as const;

export type DType = keyof typeof DTYPES;

/** Name, dtype and shape of a tensor, without its data. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** A tensor in memory: little-endian bytes in C order. */
export interface HostTensor extends TensorInfo {
  readonly data: Uint8Array;
}

export const elementCount = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export const byteLength = (info: TensorInfo): number => elementCount(info.shape) * DTYPES[info.dtype].bytes;
