import { transfer } from 'comlink';

/** What another worker is to be sent: buffers in it are handed over instead of copied. */
export function handedOver<T>(value: T): T {
  const buffers = arrayBuffers(value);
  // Marked as such can be objects only.
  return buffers.length > 0 ? transfer(value, buffers) : value;
}

/** The buffers of all typed arrays in a value of arrays, maps and plain objects: each once, to be handed to another worker. */
export function arrayBuffers(value: unknown): ArrayBuffer[] {
  const found = new Set<ArrayBuffer>();
  collect(value, found);
  return [...found];
}

function collect(value: unknown, found: Set<ArrayBuffer>): void {
  if (typeof value !== 'object' || value === null) return;
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer);
    return;
  }
  const parts = value instanceof Map ? value.values() : Object.values(value);
  for (const part of parts) collect(part, found);
}
