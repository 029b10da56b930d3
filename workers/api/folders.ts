/** Where a model is read from, and an output goes. */

/** Where a model comes from. */
export type ModelSource =
  | { readonly kind: 'demo' }
  | { readonly kind: 'handle'; readonly handle: FileSystemDirectoryHandle }
  /** From `<input webkitdirectory>` or a drop without handles; gone after a reload. */
  | { readonly kind: 'files'; readonly name: string; readonly files: readonly NamedFile[] };

export interface NamedFile {
  /** Relative to the chosen folder, with '/'. */
  readonly path: string;
  readonly file: File;
}

/** Where the output goes: a folder of the user's, or the browser's own storage. */
export type OutputTarget =
  | { readonly kind: 'handle'; readonly handle: FileSystemDirectoryHandle }
  | { readonly kind: 'storage' };
