import { vi } from 'vitest';

/**
 * How long tests wait for what must come: not how long it may take, as machines are slow and busy, but when a test that
 * hangs is given up.
 */
export const PATIENCE_MS = 10 * 60_000;

/** Resolves once `check` throws no more. */
export const eventually = <T>(check: () => T | Promise<T>): Promise<T> =>
  vi.waitFor(check, { timeout: PATIENCE_MS, interval: 20 });
