import type { ModelDirectory } from '../../io/model/model-directory.ts';
import { UnsupportedError } from '../../util/errors.ts';
import { requirements } from '../plan.ts';
import type { ModelPlan } from '../spec.ts';
import { layerNumber } from './layer-number.ts';

/** Norms, and the logits that gpt-oss adds to each head's. */
const COMPUTES = /norm[^.]*\.weight$|\.sinks$/;

/**
 * Refuses tensors that would take part in what the model computes, and for which its architecture has no place: biases
 * of linears and norms that have none there, unless they are zero, and further norms. Others, such as buffers or layers
 * behind the last one, mean nothing.
 * @throws UnsupportedError that names them.
 */
export async function refuseComputing(source: ModelDirectory, plan: ModelPlan): Promise<void> {
  const needed = new Set(requirements(plan).map(({ name }) => name));
  const { architecture, layers } = plan.config;
  const found: string[] = [];
  for (const name of plan.unexpected) {
    const layer = layerNumber(name);
    if (layer !== undefined && layer >= layers) continue;
    const isBias = name.endsWith('.bias') && needed.has(name.replace(/bias$/, 'weight'));
    const computes = isBias ? await hasValues(source, name) : layer !== undefined && COMPUTES.test(name);
    if (computes) found.push(name);
  }
  if (found.length === 0) return;
  const more = found.length > 3 ? ` and ${found.length - 3} more` : '';
  throw new UnsupportedError(
    `the weights have tensors that ${architecture} has no place for, and that change what the model computes: ` +
      `${found.slice(0, 3).join(', ')}${more}. The model is of another architecture than config.json says, or ` +
      'config.json lacks its switches (for biases: attention_bias, mlp_bias)',
  );
}

async function hasValues(source: ModelDirectory, name: string): Promise<boolean> {
  const { dtype } = source.requireInfo(name);
  if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16') return false;
  return (await source.readFloat(name)).data.some((value) => value !== 0);
}
