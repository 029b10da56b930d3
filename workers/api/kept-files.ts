/** Files of the page for visits without a network. */
export interface KeptFiles {
  readonly page: FileGroup;
  readonly models: FileGroup;
}

export interface FileGroup {
  /** Another one when any of the files is. */
  readonly version: string;
  /** By the path from the page's folder, '' for the page itself: what fetches take as `integrity`. */
  readonly files: Readonly<Record<string, string>>;
}
