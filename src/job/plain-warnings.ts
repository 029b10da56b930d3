import { plainStrings } from '../util/text/plain-text.ts';
import type { Emit } from './events.ts';

/** Names of tensors and files are in warnings: as {@link plainStrings} for whoever is told. */
export const plainWarnings =
  (emit: Emit): Emit =>
  (event) =>
    emit(event.type === 'warning' ? plainStrings(event) : event);
