/** Share of main memory for a conversion: the system and other programs need the rest. */
const SHARE = 0.6;

/** Bytes of main memory to take, by what the browser tells of the computer's; 0 where it tells nothing. */
export function suggestedMemoryBudget(): number {
  // Gibibytes, and never more than 8 or 32; only some browsers have it, and TypeScript's types do not.
  const { deviceMemory = 0 } = (globalThis.navigator ?? {}) as { readonly deviceMemory?: number };
  return Math.floor(SHARE * deviceMemory * 2 ** 30);
}
