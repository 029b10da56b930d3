import type { Block } from './driver/block.ts';

/** A tensor on the GPU: a range of a block with a shape. C order, 4-byte elements (packed bytes are u32 words). */
export interface GpuTensor {
  readonly block: Block;
  /** Bytes; to be bound, a multiple of 256 (the largest offset alignment that WebGPU allows a device to ask for). */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  readonly shape: readonly number[];
}

export const OFFSET_ALIGNMENT = 256;

/** A part of `tensor` that starts `elements` 4-byte elements in. */
export function view(tensor: GpuTensor, elements: number, shape: readonly number[]): GpuTensor {
  const part = copyable(tensor, elements, shape);
  if (part.offset % OFFSET_ALIGNMENT !== 0) throw outside(tensor, part);
  return part;
}

/** As {@link view}, to copy from or to only: it may start at any element. */
export function copyable(tensor: GpuTensor, elements: number, shape: readonly number[]): GpuTensor {
  const size = shape.reduce((a, b) => a * b, 4);
  const part = { block: tensor.block, offset: tensor.offset + elements * 4, size, shape };
  if (elements * 4 + size > tensor.size) throw outside(tensor, part);
  return part;
}

const outside = (tensor: GpuTensor, { offset, size }: GpuTensor): RangeError =>
  new RangeError(
    `view of ${size} bytes at ${offset} in a tensor of ${tensor.size} bytes at ${tensor.offset}`,
  );
