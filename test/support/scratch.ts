import type { ScratchPlace } from '../../src/io/bytes.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);

/** What a scratch file should have from its second byte on, and what it has, after writes that overlap. */
export async function writtenAnywhere(place: ScratchPlace) {
  const file = await place.open();
  await file.write(4, bytes(5, 6, 7, 8, 9));
  await file.write(0, bytes(1, 2, 3, 4));
  await file.write(5, bytes(60));
  const read = new Uint8Array(7);
  await file.readInto(1, read);
  await file.close();
  return { read, expected: bytes(2, 3, 4, 5, 60, 7, 8) };
}
