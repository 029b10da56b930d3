const LAYER = /(?:^|\.)(?:model\.layers|h|transformer\.blocks)\.(\d+)\./;

/** Number of the layer that a tensor of this name is in; undefined: in none. */
export function layerNumber(tensor: string): number | undefined {
  const found = LAYER.exec(tensor)?.[1];
  return found === undefined ? undefined : Number(found);
}
