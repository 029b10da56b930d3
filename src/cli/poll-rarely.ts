/** Milliseconds between two looks: next to nothing beside what software adapters compute meanwhile. */
const PAUSE = 1;

let isRare = false;

/**
 * From now on Dawn looks once a millisecond whether something that is awaited has finished. By itself it does so in
 * every turn of the event loop, which takes the time of a whole core: one of those that a software adapter computes on.
 * Dawn asks for its next turn by the global `setImmediate`, and nothing else here uses that.
 */
export function pollRarely(): void {
  if (isRare) return;
  isRare = true;
  const later = (callback: () => void) => setTimeout(callback, PAUSE);
  Object.assign(globalThis, { setImmediate: later });
}
