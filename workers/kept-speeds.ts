import { createStore, get, set } from 'idb-keyval';
import type { SpeedStore } from '../src/autotune/kept-speeds.ts';

/** A database of its own: the library makes one store in each. */
const store = createStore('exl2-web-gpu', 'speeds');

interface Entry {
  /** Browsers do not tell the driver's version, and bring their own compiler of shaders. */
  readonly browser: string;
  readonly value: unknown;
}

/** Keeps measured speeds in IndexedDB; where the browser has none for this page, nothing is kept. */
export const keptSpeeds: SpeedStore = {
  async read(key) {
    try {
      const entry = await get<Entry>(key, store);
      return entry?.browser === navigator.userAgent ? entry.value : undefined;
    } catch {
      return undefined;
    }
  },
  async write(key, value) {
    try {
      await set(key, { browser: navigator.userAgent, value } satisfies Entry, store);
    } catch {
      // Measured again at the next start.
    }
  },
};
