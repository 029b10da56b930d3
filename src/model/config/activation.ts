import { UnsupportedError } from '../../util/errors.ts';
import type { Activation } from '../families/family.ts';
import type { Fields } from './fields.ts';

const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  silu: 'silu',
  swish: 'silu',
  gelu: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
};

/** Of MLPs; `absent` where config.json does not say it. Throws UnsupportedError for another one. */
export function parseActivation(fields: Fields, absent: Activation = 'silu'): Activation {
  const name = fields.text('hidden_act');
  if (name === undefined) return absent;
  const activation = Object.hasOwn(ACTIVATIONS, name) ? ACTIVATIONS[name] : undefined;
  if (!activation) {
    const supported = Object.keys(ACTIVATIONS).join(', ');
    throw new UnsupportedError(
      `config.json: ${fields.called('hidden_act')} is "${name}"; supported: ${supported}`,
    );
  }
  return activation;
}
