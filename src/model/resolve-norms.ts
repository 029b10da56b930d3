/** Norms, and the tensors of a model that are stored as they are: see resolve.ts. */

import type { ModelConfig } from './config/config.ts';
import type { Family } from './families/family.ts';
import type { ModuleSpec, NormSpec, StoredTensor } from './spec.ts';

/** What names of tensors start with, in the output and in the source. */
export interface Place {
  readonly key: string;
  readonly source: string;
}

/** @param inSource the name there, where it is another. */
export const inside = ({ key, source }: Place, name: string, inSource = name): Place => ({
  key: `${key}.${name}`,
  source: `${source}.${inSource}`,
});

export const normSpec = (
  { normEps }: ModelConfig,
  { normOffset: offset = 0, layerNorms }: Family,
  { key, source }: Place,
  size: number,
): NormSpec => ({
  ...{ key, weight: `${source}.weight`, size, heads: undefined, epsilon: normEps, offset },
  ...{ kind: layerNorms ? 'layer' : 'rms', bias: layerNorms === true ? `${source}.bias` : undefined },
});

/** Of `heads` query or key heads; undefined where the model has none. */
export function headNormSpec(
  config: ModelConfig,
  family: Family,
  place: Place,
  heads: number,
): NormSpec | undefined {
  if (!config.headNorms) return undefined;
  const norm = normSpec(config, family, place, config.headDim);
  const isOwn = family.attention.headNorms === 'own';
  return isOwn ? { ...norm, heads, kind: 'layer', bias: undefined } : norm;
}

/** The tensors of a norm: their names in the output and in the source, and their shape in the source. */
export function normTensors(norm: NormSpec): Pick<StoredTensor, 'name' | 'source' | 'shape'>[] {
  const { key, weight, bias, size, heads } = norm;
  const shape = heads === undefined ? [size] : [heads, size];
  return [
    { name: `${key}.weight`, source: weight, shape },
    ...(bias === undefined ? [] : [{ name: `${key}.bias`, source: bias, shape }]),
  ];
}

export const storedNorm = (norm: NormSpec): StoredTensor[] =>
  normTensors(norm).map((tensor) => ({ ...tensor, copies: undefined, dtype: 'F16' }));

/** Norms and routers of a module. */
export function storedOf({ norm, postNorm, mixer }: ModuleSpec): StoredTensor[] {
  const own = [norm, ...(postNorm ? [postNorm] : [])].flatMap(storedNorm);
  if (mixer.kind === 'experts') {
    const { key, weight, n, k } = mixer.router.linear;
    const name = `${key}.weight`;
    return [...own, { name, source: weight, shape: [n, k], copies: undefined, dtype: 'F16' }];
  }
  if (mixer.kind !== 'attention') return own;
  // EXL2-QUIRK 3: the loader wants the norm of a head once per head, (heads, headDim).
  const perHead = (each: NormSpec | undefined, copies: number): StoredTensor[] => {
    const once = each ? storedNorm(each) : [];
    return each?.heads ? once : once.map((one) => ({ ...one, copies, shape: [copies, ...one.shape] }));
  };
  return [...own, ...perHead(mixer.qNorm, mixer.heads), ...perHead(mixer.kNorm, mixer.kvHeads)];
}
