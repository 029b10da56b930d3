/** What modules and linears are called. */

import type { LinearFacts, ModelFacts, ModuleFacts } from '../../workers/api/model.ts';

type Modules = Pick<ModelFacts, 'modules'>;

const KINDS: Readonly<Record<ModuleFacts['kind'], string>> = {
  attention: 'attention',
  mlp: 'MLP',
  experts: 'experts',
};

/** `layer 3, attention`. */
export const moduleTitle = ({ layer, kind }: ModuleFacts): string => `layer ${layer}, ${KINDS[kind]}`;

/** `q`, `gate`: what it does, whatever its parameters are called. */
export const linearTitle = ({ role, name }: LinearFacts): string => role ?? name.replace(/_proj$/, '');

/** The module that has this key or a part with it, such as `model.layers.3.block_sparse_moe.experts.0-15`. */
export const moduleOf = ({ modules }: Modules, key: string): ModuleFacts | undefined =>
  modules.find((module) => key === module.key || key.startsWith(`${module.key}.`));

/** Words in which the key of a module, a part of it or a linear is told: `quantizes layer 3, experts 0–15`. */
export const inWords = (model: Modules, words: string): string =>
  words
    .split(' ')
    .map((word) => keyInWords(model, word))
    .join(' ');

function keyInWords(model: Modules, key: string): string {
  const module = moduleOf(model, key);
  if (!module) return key;
  const rest = key.slice(module.key.length);
  const [, first, last, name = rest.slice(1)] = /^\.experts\.(\d+)(?:-(\d+))?(?:\.(.*))?$/.exec(rest) ?? [];
  const title =
    first === undefined ? moduleTitle(module) : `layer ${module.layer}, ${expertsTitle(first, last)}`;
  const linear = module.linears.find((each) => each.name === name);
  return linear ? `${title}, ${linearTitle(linear)}` : title;
}

const expertsTitle = (first: string, last: string | undefined): string =>
  last === undefined ? `expert ${first}` : `experts ${first}–${last}`;

export const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
