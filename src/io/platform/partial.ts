/** The ending of a file that is being written; such a file is never a finished one. */
export const PARTIAL = '.partial';
