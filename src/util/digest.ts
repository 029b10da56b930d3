/** The first quarter of SHA-256, as 16 hex digits: enough to tell things apart, not to keep forgers away. */
export const digest = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
  (await sha256(bytes)).slice(0, 16);

/** SHA-256 as 64 hex digits. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The same of what JSON holds. */
export const digestOf = (value: unknown): Promise<string> =>
  digest(Uint8Array.from(new TextEncoder().encode(JSON.stringify(value))));
