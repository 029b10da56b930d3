import type { TensorSource } from '../../io/model/tensor-source.ts';
import { rowsFrom } from '../../model/plan.ts';
import type { LinearSpec } from '../../model/spec.ts';
import { normalizeRows } from '../../reference/model-kernels/linear.ts';
import { toFloat } from '../../tensor/float-tensor.ts';

/** Bytes of a transposed weight that are read at a time. */
const READ_BYTES = 16 * 2 ** 20;

/** The weights of a linear's first outputs as the model has them, (outputs, k), in the order of the input features. */
export async function originalOutputs(
  source: TensorSource,
  linear: LinearSpec,
  outputs: number,
): Promise<Float32Array | Float64Array> {
  const w = await (linear.transposed ? readTransposed : readRows)(source, linear, outputs);
  return linear.normalized ? normalizeRows(w, linear.k) : w;
}

/** The row of its tensor, or the column of a transposed one, that has an output's weights. */
const placeOf = (linear: LinearSpec, output: number): number => rowsFrom(linear, output, 1).first;

async function readRows(source: TensorSource, linear: LinearSpec, outputs: number): Promise<Float32Array> {
  const { k, weight } = linear;
  const w = new Float32Array(outputs * k);
  for (let output = 0; output < outputs; output++) {
    const place = placeOf(linear, output);
    w.set(toFloat(await source.readRows(weight, place, place + 1), weight).data, output * k);
  }
  return w;
}

async function readTransposed(
  source: TensorSource,
  linear: LinearSpec,
  outputs: number,
): Promise<Float32Array> {
  const { k, n, weight, part, inputs } = linear;
  const [first, width] = [inputs?.first ?? 0, part?.total ?? n];
  const most = Math.max(1, Math.floor(READ_BYTES / (4 * width)));
  const w = new Float32Array(outputs * k);
  for (let start = 0; start < k; start += most) {
    const end = Math.min(k, start + most);
    const { data } = toFloat(await source.readRows(weight, first + start, first + end), weight);
    for (let output = 0; output < outputs; output++)
      for (let i = start; i < end; i++)
        w[output * k + i] = data[(i - start) * width + placeOf(linear, output)]!;
  }
  return w;
}
