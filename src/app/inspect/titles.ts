/** What the cards about a job's own linear are called, and which linear an address names. */

import type { LinearFacts, ModelFacts, ModuleFacts } from '../../../workers/api/model.ts';
import { capitalized, linearTitle, moduleTitle } from '../module-words.ts';

/** Numbers of the lessons whose figures a job's own data can fill. */
export const INSPECT_CARDS = [2, 4, 6] as const;

export type InspectCard = (typeof INSPECT_CARDS)[number];

export interface InspectedPlace {
  readonly module: ModuleFacts;
  readonly linear: LinearFacts;
}

/** E.g. `model.layers.0.self_attn.q_proj`; of experts, which share it, without a number. */
export const linearAddress = (module: ModuleFacts, { name }: LinearFacts): string => `${module.key}.${name}`;

export function placeAt(
  { modules }: Pick<ModelFacts, 'modules'>,
  address: string,
): InspectedPlace | undefined {
  for (const module of modules) {
    const linear = module.linears.find((each) => linearAddress(module, each) === address);
    if (linear) return { module, linear };
  }
  return undefined;
}

/** As a link beside the linear's name. */
export const CARD_LINKS: Readonly<Record<InspectCard, string>> = {
  2: 'What it hears',
  4: 'How it was rounded',
  6: 'The module’s menu',
};

/** `Layer 0, attention: what q hears`. */
export function inspectTitle(card: InspectCard, { module, linear }: InspectedPlace): string {
  const name = linearTitle(linear);
  const what = { 2: `what ${name} hears`, 4: `how ${name} was rounded`, 6: 'its menu' };
  return `${capitalized(moduleTitle(module))}: ${what[card]}`;
}
