/** @file The few operations of a file system that files.ts is made of, so that a fault can be put at each of them. */

/** What lies at a path. */
export interface Entry {
  readonly kind: "file" | "directory" | "other";
  readonly bytes: number;
}

/** A new file that is being written. */
export interface NewFile {
  /** Appends all the bytes. */
  append(bytes: Uint8Array): Promise<void>;
  /** Returns when what was appended survives a loss of power. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** A file that is open for reading. */
export interface OpenFile {
  readonly bytes: number;
  /** Up to `length` bytes from `offset`; fewer only where the file ends. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Why a path was not opened: what is in the way, as the end of "it is …". */
export interface Refusal {
  readonly refused: string;
}

/** Operations on paths. They fail with an Error that has the system's `code`, such as ENOSPC. */
export interface Disk {
  /** Undefined when there is nothing. Follows symbolic links. */
  entry(path: string): Promise<Entry | undefined>;
  /** Up to `length` bytes from `offset`; fewer only where the file ends. */
  read(path: string, offset: number, length: number): Promise<Uint8Array>;
  /**
   * Opens a regular file below `folder` without following a link anywhere on `path`, and without ever blocking. What
   * was opened is checked, not only what was there before.
   * Requires: `path` is relative, its parts are names: neither empty nor "." nor "..".
   */
  openBelow(folder: string, path: string): Promise<OpenFile | Refusal>;
  /** Fails when something is there. */
  create(path: string): Promise<NewFile>;
  /** Replaces a file that is there, at once. */
  rename(from: string, to: string): Promise<void>;
  /** Two directories change places at once. False where the system cannot. */
  exchange(one: string, other: string): Promise<boolean>;
  /** Returns when the names in the directory survive a loss of power. */
  syncDirectory(path: string): Promise<void>;
  /** Returns when the content of an existing file survives a loss of power. */
  syncFile(path: string): Promise<void>;
  /** Makes the missing parents too. */
  makeDirectory(path: string): Promise<void>;
  /** Names in a directory, in no order. */
  names(path: string): Promise<readonly string[]>;
  /** Removes a file or a whole directory; nothing there is no error. */
  remove(path: string): Promise<void>;
  /** A new empty directory for temporary files, with this at the front of its name. */
  makeTemporary(prefix: string): Promise<string>;
}
