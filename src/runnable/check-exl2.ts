import { PACKED_TENSORS, padColumns } from '../exl2/packed-linear.ts';

import type { ModelDirectory } from '../io/model/model-directory.ts';

import type { LinearSpec, ModelSpec } from '../model/spec.ts';
import type { DType } from '../tensor/dtype.ts';
import { InputError } from '../util/errors.ts';

/** How many missing names a message lists. */
const MAX_LISTED = 4;

/** Dtypes of what is not packed. */
const FLOATS: readonly DType[] = ['F16', 'F32', 'BF16'];

/**
 * Checks that an EXL2 model has all tensors that its config.json asks for, with its shapes and the format's dtypes.
 * What is in a linear's tensors is checked when they are read.
 * @throws InputError that names what is missing, or the first tensor that is wrong.
 */
export function checkExl2Tensors(
  source: Pick<ModelDirectory, 'name' | 'has' | 'requireInfo' | 'checkNeeded'>,
  { modules, head, stored }: ModelSpec,
): void {
  const linears = [...modules.flatMap((module) => module.linears), head];
  const wanted = [...stored.map(({ name }) => name), ...linears.flatMap(tensorNames)];
  source.checkNeeded(wanted);
  const missing = wanted.filter((name) => !source.has(name));
  if (missing.length > 0) {
    const more = missing.length > MAX_LISTED ? ` and ${missing.length - MAX_LISTED} more` : '';
    throw new InputError(
      `The EXL2 model ${source.name} lacks ${missing.slice(0, MAX_LISTED).join(', ')}${more}: a file is missing or not whole, or ` +
        'config.json is of another model. Get the model again.',
    );
  }
  for (const { name, shape, copies } of stored) {
    checkType(source, name, FLOATS);
    const actual = source.requireInfo(name).shape;
    // ExLlamaV2 keeps the norm of a head once per head; once alone says the same.
    const once = shape.slice(-1);
    if (!equal(actual, shape) && !(copies !== undefined && equal(actual, once))) {
      throw wrongShape(source, name, actual, shape);
    }
  }
  for (const linear of linears) checkLinear(source, linear);
}

const tensorNames = ({ key, bias }: LinearSpec): string[] => [
  ...PACKED_TENSORS.map(([, name]) => `${key}.${name}`),
  ...(bias === undefined ? [] : [`${key}.bias`]),
];

type Tensors = Pick<ModelDirectory, 'name' | 'requireInfo'>;

function checkLinear(source: Tensors, { key, k, n, bias }: LinearSpec): void {
  for (const [, name, dtype] of PACKED_TENSORS) checkType(source, `${key}.${name}`, [dtype]);
  const checkShape = (name: string, expected: (rows: number) => readonly number[]) => {
    const { shape } = source.requireInfo(`${key}.${name}`);
    const [rows = 0] = shape;
    if (!equal(shape, expected(rows))) throw wrongShape(source, `${key}.${name}`, shape, expected(rows));
  };
  const padded = padColumns(n);
  checkShape('q_weight', (rows) => [rows, padded]);
  checkShape('q_scale', (groups) => [groups, padded / 8]);
  checkShape('q_invperm', () => [k]);
  if (bias === undefined) return;
  checkType(source, `${key}.bias`, FLOATS);
  checkShape('bias', () => [padded]);
}

function checkType(source: Tensors, name: string, expected: readonly DType[]): void {
  const { dtype } = source.requireInfo(name);
  if (expected.includes(dtype)) return;
  throw new InputError(
    `Tensor ${name} of the EXL2 model ${source.name} is ${dtype}; expected ${expected.join(', ')}. The file is damaged, or ` +
      'was made by another program: get the model again, or convert the original anew.',
  );
}

const equal = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, i) => size === b[i]);

const wrongShape = (
  { name: place }: Tensors,
  name: string,
  actual: readonly number[],
  expected: readonly number[],
): InputError =>
  new InputError(
    `Tensor ${name} of the EXL2 model ${place} has shape (${actual.join(', ')}); config.json makes it ` +
      `(${expected.join(', ')}): config.json and weights are not of the same model.`,
  );
