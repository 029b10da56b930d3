import type { Card } from '../cards.ts';

/** What one model at a time is converted on. */
export interface Slot {
  /** None: what the system chooses. */
  readonly cards: readonly Card[];
  /** How many slots compute on its first card; they share its memory. */
  readonly sharing: number;
  /** How many slots there are; they share main memory. */
  readonly slots: number;
}

/** `count` slots with as many cards each as there are for it; several slots a card where there are more slots. */
export function cardSlots(cards: readonly Card[], count: number): Slot[] {
  const indices = Array.from({ length: count }, (_, index) => index);
  if (count <= cards.length) {
    const start = (index: number) => Math.floor((index * cards.length) / count);
    return indices.map((index) => ({
      cards: cards.slice(start(index), start(index + 1)),
      sharing: 1,
      slots: count,
    }));
  }
  const places = Math.max(cards.length, 1);
  return indices.map((index) => ({
    cards: cards.slice(index % places, (index % places) + 1),
    sharing: indices.filter((other) => other % places === index % places).length,
    slots: count,
  }));
}
