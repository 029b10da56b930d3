/** The ending of a file that is being written; such a file is never a finished one. */
export const PARTIAL = '.partial';

/** The ending of a file that only the program that made it can use; as a partial one it is never listed. */
const SCRATCH = `.scratch${PARTIAL}`;

/** A name that no other scratch file has. */
export const scratchName = (): string => crypto.randomUUID() + SCRATCH;

export const isScratch = (name: string): boolean => name.endsWith(SCRATCH);
