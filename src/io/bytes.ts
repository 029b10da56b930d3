/** Bytes in: a file of known size that is read piece by piece. */
export interface ByteSource {
  /** Path for messages. */
  readonly name: string;
  readonly size: number;
  /** The bytes [start, end) in a buffer of their own; throws InputError when the file ends before `end`. */
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Where the platform can: fills `target` with the bytes from `start` on. Used memory is quicker than new one. */
  readInto?(start: number, target: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** Bytes out, front to back. The file appears under its name only when `close` has returned. */
export interface ByteSink {
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
  /** Drops what was written; nothing appears. */
  abort(): Promise<void>;
}

/** A file that is read and written anywhere, of no use when the program that opened it has ended. */
export interface ScratchFile {
  /** Fills `target` with the bytes from `start` on, which were written before. */
  readInto(start: number, target: Uint8Array<ArrayBuffer>): Promise<void>;
  write(start: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Removes it too. */
  close(): Promise<void>;
}

/** Where scratch files are made. No list of a directory has them. */
export interface ScratchPlace {
  /** Opens a new one. */
  open(): Promise<ScratchFile>;
  /** Removes those that programs have left that were ended; none may be in use. */
  clear(): Promise<void>;
}

export interface FileEntry {
  /** Path relative to the directory, with '/'. */
  readonly path: string;
  readonly size: number;
}

export interface ReadableDirectory {
  /** Path or name for messages. */
  readonly name: string;
  /** All files in it and below it, sorted by path. */
  list(): Promise<FileEntry[]>;
  /** Undefined when there is no such file. */
  open(path: string): Promise<ByteSource | undefined>;
  /** Links that lead elsewhere and count as missing; where there may be any. */
  otherLinks?(): Promise<string[]>;
}

export interface WritableDirectory extends ReadableDirectory {
  /** Starts a file (and the folders above it); an existing one is replaced when the sink closes. */
  create(path: string): Promise<ByteSink>;
  /** Removes a file; no error when it is not there. */
  remove(path: string): Promise<void>;
  /** Where the platform has such files. */
  readonly scratch?: ScratchPlace;
}
