import { PACKED_TENSORS, padColumns } from '../exl2/packed-linear.ts';
import type { JoinedTensors } from '../io/joined-tensors.ts';
import type { TensorSource } from '../io/tensor-source.ts';
import type { LinearSpec, ModelOutline } from '../model/plan.ts';
import { InputError } from '../util/errors.ts';

/** How many missing names a message lists. */
const MAX_LISTED = 4;

/**
 * Checks that an EXL2 model has all tensors that its config.json asks for, with its shapes. What is in a linear's
 * tensors is checked when they are read.
 * @throws InputError that names what is missing, or the first wrong shape.
 */
export function checkExl2Tensors(source: JoinedTensors, { modules, head, stored }: ModelOutline): void {
  const linears = [...modules.flatMap((module) => module.linears), head];
  const wanted = [...stored.map(({ name }) => name), ...linears.flatMap(tensorNames)];
  source.checkNeeded(wanted);
  const missing = wanted.filter((name) => !source.has(name));
  if (missing.length > 0) {
    const more = missing.length > MAX_LISTED ? ` and ${missing.length - MAX_LISTED} more` : '';
    throw new InputError(
      `The EXL2 model lacks ${missing.slice(0, MAX_LISTED).join(', ')}${more}: a file is missing or not whole, or ` +
        'config.json is of another model. Get the model again.',
    );
  }
  for (const { name, shape } of stored) {
    const actual = source.requireInfo(name).shape;
    // ExLlamaV2 keeps the norm of a head once per head; once alone says the same.
    const once = shape.slice(-1);
    if (
      !equal(actual, shape) &&
      !(shape.length > 1 && name.endsWith('_norm.weight') && equal(actual, once))
    ) {
      throw wrongShape(name, actual, shape);
    }
  }
  for (const linear of linears) checkLinear(source, linear);
}

const tensorNames = ({ key, bias }: LinearSpec): string[] => [
  ...PACKED_TENSORS.map(([, name]) => `${key}.${name}`),
  ...(bias === undefined ? [] : [`${key}.bias`]),
];

function checkLinear(source: TensorSource, { key, k, n, bias }: LinearSpec): void {
  const padded = padColumns(n);
  const [rows, columns] = source.requireInfo(`${key}.q_weight`).shape;
  if (columns !== padded) throw wrongShape(`${key}.q_weight`, [rows!, columns!], [rows!, padded]);
  const features = source.requireInfo(`${key}.q_invperm`).shape;
  if (!equal(features, [k])) throw wrongShape(`${key}.q_invperm`, features, [k]);
  if (bias === undefined) return;
  const { shape } = source.requireInfo(`${key}.bias`);
  if (!equal(shape, [padded])) throw wrongShape(`${key}.bias`, shape, [padded]);
}

const equal = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, i) => size === b[i]);

const wrongShape = (name: string, actual: readonly number[], expected: readonly number[]): InputError =>
  new InputError(
    `Tensor ${name} of the EXL2 model has shape (${actual.join(', ')}); config.json makes it ` +
      `(${expected.join(', ')}): config.json and weights are not of the same model.`,
  );
