import { ensureAdapter } from '../../scripts/adapter.mjs';

/** Before the tests' processes start, so that they all find the adapter. */
export default function setup(): void {
  ensureAdapter({ install: true });
}
