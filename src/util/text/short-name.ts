/** The last part of a path: what is published tells nothing of the user's folders. */
export const shortName = (path: string): string => path.split(/[\\/]/).filter(Boolean).at(-1) ?? path;
