/**
 * @file The only door to the outside: files, clock, randomness, processes, shared memory. Everything else in the
 * runtime gets an Env, so that faults and crashes can be simulated. Types only; node.ts is the real one.
 */

/** A file below a folder that was opened without following links. */
export interface ConfinedFile {
  readonly bytes: number;
  /** @throws FILE when the file ends before, or does not fit an array. */
  readRange(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** What a file is to hold: bytes, text, or parts that are made one after the other, for files larger than an array. */
export type Content = Uint8Array | string | AsyncIterable<Uint8Array>;

/** Paths are strings of the host. Every failure is a PipewrightError FILE that names the path and the reason. */
export interface Files {
  read(path: string): Promise<Uint8Array>;
  /** Part of a file. @throws FILE when the file ends before. */
  readRange(path: string, offset: number, length: number): Promise<Uint8Array>;
  /**
   * Opens a file that a stranger names: a regular file below `folder`, reached without symbolic link and with no second
   * name (hard link) elsewhere. Gives `{ refused }`, with what it is instead, for anything else that exists.
   * @throws FILE when there is nothing, or it cannot be read.
   */
  openConfined(folder: string, path: string): Promise<ConfinedFile | { readonly refused: string }>;
  size(path: string): Promise<number>;
  exists(path: string): Promise<boolean>;
  list(path: string): Promise<readonly string[]>;
  /** Writes the whole file so that a crash leaves the old or the new content, never half: temporary file, fsync, rename. */
  writeAtomic(path: string, content: Content): Promise<void>;
  /**
   * Makes a directory appear at once: `fill` writes into a temporary sibling, which then takes the place of `path`.
   * On failure nothing is left behind and what was at `path` stays.
   */
  writeDirectoryAtomic(path: string, fill: (temporary: string) => Promise<void>): Promise<void>;
  makeDirectory(path: string): Promise<void>;
  /** Makes a directory and its missing parents, and returns when they survive a loss of power. */
  makeLastingDirectory(path: string): Promise<void>;
  /**
   * Makes a new directory appear at once with all its files, and returns when it survives a loss of power. `fill` puts
   * the files one by one. On failure the directory may be there whole, or nothing is.
   * Requires: nothing is at `path`; its parent is there.
   */
  publishDirectory(
    path: string,
    fill: (put: (name: string, bytes: Uint8Array) => Promise<void>) => Promise<void>,
  ): Promise<void>;
  /** Gives a file or directory another name in its directory, and returns when that survives a loss of power. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  temporaryDirectory(): Promise<string>;
}

export interface Clock {
  /** Monotonic milliseconds; parent and children read the same clock. */
  nowMs(): number;
  sleep(ms: number): Promise<void>;
}

export interface Random {
  /** Unpredictable bytes, for temporary names only; everything that trains uses seeded counters. */
  bytes(count: number): Uint8Array;
}

/** A message between parent and child: structured-clonable data. */
export type Message = unknown;

/** A child process or thread that runs a worker entry. */
export interface Child {
  /** Of the process; of the parent's own process for a thread. */
  readonly pid: number;
  /** A message to a child that is gone goes nowhere; `onExit` tells of the end. */
  send(message: Message): void;
  onMessage(listener: (message: Message) => void): void;
  /** Called once when the child is gone: exit code, or the signal that ended it; both null when it could not start. */
  onExit(listener: (end: { readonly code: number | null; readonly signal: string | null }) => void): void;
  kill(): void;
}

export interface Processes {
  /**
   * Starts a module of the runtime as a child that dies with its parent. `entry` is a file URL; the module reaches its
   * parent by `connectParent` of parent.ts.
   */
  spawn(entry: string, argument: Message): Child;
}

/** Memory that this process and its children see at the same time. */
export interface SharedMemory {
  /** Passed to children so that they can `open` it. */
  readonly name: string;
  readonly byteLength: number;
  /**
   * A part of it. Requires: it lies inside.
   * @throws LIMIT_EXCEEDED where the part is longer than an array of Node can be (4 GiB in Node 20).
   */
  view(offset: number, length: number): Uint8Array;
  /** The 32-bit words from `offset` on. Requires: they lie inside, and `offset` is a multiple of 4. */
  words(offset: number, count: number): Int32Array;
  /**
   * Blocks the thread until the 32-bit word at `offset` differs from `seen`, or the time is over.
   * Returns false when the time is over.
   */
  wait(offset: number, seen: number, timeoutMs: number): boolean;
  /** Wakes all that wait on the word at `offset`. */
  wake(offset: number): void;
  close(): void;
}

export interface SharedMemories {
  /** Zero-filled; freed by the system when every process that has it is gone or closed it. */
  create(bytes: number): SharedMemory;
  open(name: string): SharedMemory;
}

/** What a child has of its parent. */
export interface Parent {
  /** The second argument of `spawn`. */
  readonly argument: Message;
  /** The outside of the child: its memories open those that the parent created. */
  readonly env: Env;
  send(message: Message): void;
  /** Messages that came before the first listener are kept for it. */
  onMessage(listener: (message: Message) => void): void;
  /**
   * Asks the system for long slices of time, none of which begins in the midst of another child's: children that share
   * cores throw each other out of the caches. Nothing for threads, and where a system cannot do that.
   */
  takeLongSlices(): void;
  /** Lets the child end when it has nothing more to do; no messages after this. */
  leave(): void;
}

export interface Env {
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
  readonly processes: Processes;
  readonly memories: SharedMemories;
}
