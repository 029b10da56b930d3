/** A tensor on the GPU: a range of a buffer with a shape. C order, 4-byte elements (packed bytes are u32 words). */
export interface GpuTensor {
  readonly buffer: GPUBuffer;
  /** Bytes, a multiple of 256 (the largest offset alignment that WebGPU allows a device to ask for). */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  readonly shape: readonly number[];
}

export const OFFSET_ALIGNMENT = 256;

/** A part of `tensor` that starts `elements` 4-byte elements in. */
export function view(tensor: GpuTensor, elements: number, shape: readonly number[]): GpuTensor {
  const offset = tensor.offset + elements * 4;
  const size = shape.reduce((a, b) => a * b, 4);
  if (offset % OFFSET_ALIGNMENT !== 0 || elements * 4 + size > tensor.size) {
    throw new RangeError(
      `view of ${size} bytes at ${offset} in a tensor of ${tensor.size} bytes at ${tensor.offset}`,
    );
  }
  return { buffer: tensor.buffer, offset, size, shape };
}
