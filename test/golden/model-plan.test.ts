import { describe, expect, test } from 'vitest';
import { weightParts } from '../../src/estimate/output-size.ts';
import { parameterCount } from '../../src/model/sizes.ts';
import { byteLength, type DType, elementCount } from '../../src/tensor/dtype.ts';
import { ARCHITECTURE_NAMES, architectureModel, GOLDEN_DIR, readJson } from '../support/architectures.ts';

type TensorList = Readonly<Record<string, readonly [dtype: string, shape: readonly number[]]>>;
const DTYPE_NAMES: Readonly<Record<string, DType>> = { float16: 'F16', int32: 'I32', int16: 'I16' };

/** The tensors of ExLlamaV2's conversion. */
function convertedTensors(name: string): TensorList {
  const path = `${GOLDEN_DIR}/conversion/architectures/${name}/conversion.json`;
  return (readJson(path) as { tensors: TensorList }).tensors;
}

const isPacked = (name: string): boolean => /\.q_(weight|scale|scale_max|groups|invperm)$/.test(name);

describe.each(ARCHITECTURE_NAMES)("the plan of %s against ExLlamaV2's output", (name) => {
  const converted = convertedTensors(name);

  test('stores the same tensors in the same shapes', async () => {
    const { plan } = await architectureModel(name);
    const linears = [...plan.modules.flatMap((module) => module.linears), plan.head];
    const biases = linears.filter(({ bias }) => bias !== undefined).map(({ key, n }) => [`${key}.bias`, [n]]);
    const ours = [...plan.stored.map((stored) => [stored.name, stored.shape]), ...biases];
    const theirs = Object.entries(converted).filter(([key]) => !isPacked(key));
    expect(theirs.every(([, [dtype]]) => dtype === 'float16')).toBe(true);
    expect(Object.fromEntries(ours)).toEqual(
      Object.fromEntries(theirs.map(([key, [, shape]]) => [key, shape])),
    );
    expect(plan.unexpected).toEqual([]);
  });

  test('quantizes the same linears, k by n', async () => {
    const { plan } = await architectureModel(name);
    const linears = [...plan.modules.flatMap((module) => module.linears), plan.head];
    const keys = Object.keys(converted).filter((key) => key.endsWith('.q_weight'));
    expect(linears.map(({ key }) => `${key}.q_weight`).sort()).toEqual(keys.sort());
    for (const { key, k, n } of linears) {
      expect(converted[`${key}.q_invperm`]![1], key).toEqual([k]);
      expect(converted[`${key}.q_weight`]![1][1], key).toBe(n);
    }
  });

  test('counts the bytes of ExLlamaV2’s head and f16 tensors, and the parameters of the source', async () => {
    const { plan, tensors } = await architectureModel(name);
    const bytes = (isMeant: (tensor: string) => boolean): number =>
      Object.entries(converted)
        .filter(([key]) => isMeant(key))
        .reduce(
          (sum, [key, [dtype, shape]]) => sum + byteLength({ name: key, dtype: DTYPE_NAMES[dtype]!, shape }),
          0,
        );
    const inHead = (tensor: string) => tensor.startsWith('lm_head.');
    const inModules = (tensor: string) =>
      plan.modules.flatMap(({ linears }) => linears).some(({ key }) => tensor.startsWith(`${key}.`));
    expect(weightParts(plan, 6, 0)).toMatchObject({
      head: bytes(inHead),
      stored: bytes((tensor) => !inHead(tensor) && !inModules(tensor)),
    });

    const parameters = [...tensors.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0);
    expect(parameterCount(plan)).toBe(parameters);
  });
});
