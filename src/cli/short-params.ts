import { parseParams, type QuantParams } from '../exl2/params.ts';

/**
 * Parameters of a module's linears for the screen, without the proportions: `q k o 5/4b 64g, v 5b 64g`.
 * @param description as in an allocation's event: `q_proj 0.1:5b_64g/0.9:4b_64g s4, k_proj …`.
 */
export function shortParams(description: string): string {
  const names = new Map<string, string[]>();
  for (const linear of description.split(', ')) {
    const [name = '', ...params] = linear.split(' ');
    const text = widthsAndGroups(parseParams(params.join(' ')));
    names.set(text, [...(names.get(text) ?? []), name.replace(/_proj$/, '')]);
  }
  return [...names].map(([text, of]) => `${of.join(' ')} ${text}`).join(', ');
}

function widthsAndGroups(params: QuantParams): string {
  const sizes = new Set(params.map(({ groupSize }) => groupSize));
  return `${params.map(({ bits }) => bits).join('/')}b ${[...sizes].join('/')}g`;
}
