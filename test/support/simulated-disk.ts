/**
 * @file A disk in memory on which any operation can fail, and which shows what a loss of power could leave.
 *
 * Durability follows POSIX: content is safe after fsync of the file, a name after fsync of its directory; before that, either
 * may or may not be there (Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014).
 */
import { posix } from "node:path";
import type { Disk, NewFile } from "../../runtime/env/disk.js";

interface SimulatedFile {
  readonly kind: "file";
  bytes: Uint8Array;
  syncedBytes: Uint8Array;
}

interface SimulatedDirectory {
  readonly kind: "directory";
  entries: Map<string, Item>;
  syncedEntries: Map<string, Item>;
}

type Item = SimulatedFile | SimulatedDirectory;

/** What a loss of power leaves: which names, and which content behind them. */
export type Loss = "nothing" | "unsynced content" | "everything unsynced";

/** A fault to put in the way. `at` counts operations from 0 since the fault was set. */
export type Fault =
  | { readonly kind: "fail"; readonly at: number; readonly code: string }
  /** This operation and all later ones do not happen. */
  | { readonly kind: "power loss"; readonly at: number };

export class SimulatedDisk implements Disk {
  /** Bytes that still fit; an append past it writes what fits and fails with ENOSPC. */
  freeBytes = Infinity;
  /** Every change fails with EROFS. */
  readOnly = false;
  /** False: fsync does nothing. Shows that a test notices a missing one. */
  honoursSync = true;
  /** False: `exchange` answers that the system cannot. */
  canExchange = true;
  /** Operations since the fault was set, "rename /a". */
  operations: string[] = [];
  #fault: Fault | undefined;
  #root: SimulatedDirectory = emptyDirectory();
  #temporaries = 0;

  /** Sets or clears the fault and counts from 0 again. */
  setFault(fault?: Fault): void {
    this.#fault = fault;
    this.operations = [];
  }

  /** A disk as it is found after the power was lost. */
  afterLoss(loss: Loss): SimulatedDisk {
    const found = new SimulatedDisk();
    found.#root = survivor(this.#root, loss) as SimulatedDirectory;
    return found;
  }

  async entry(path: string): ReturnType<Disk["entry"]> {
    this.#begin("entry", path);
    const item = this.#find(path);
    return item && { kind: item.kind, bytes: item.kind === "file" ? item.bytes.byteLength : 0 };
  }

  async read(path: string, offset: number, length: number): Promise<Uint8Array> {
    this.#begin("read", path);
    return this.#file(path).bytes.slice(offset, offset + length);
  }

  async openBelow(folder: string, path: string): ReturnType<Disk["openBelow"]> {
    const whole = posix.join(folder, path);
    this.#begin("open", whole);
    const item = this.#find(whole);
    if (!item) throw failure("ENOENT", whole);
    if (item.kind === "directory") return { refused: "a directory" };
    return {
      bytes: item.bytes.byteLength,
      read: (offset, length) => this.read(whole, offset, length),
      close: async () => this.#begin("close", whole),
    };
  }

  async create(path: string): Promise<NewFile> {
    this.#begin("create", path, true);
    const { directory, name } = this.#place(path);
    if (directory.entries.has(name)) throw failure("EEXIST", path);
    const file: SimulatedFile = { kind: "file", bytes: new Uint8Array(0), syncedBytes: new Uint8Array(0) };
    directory.entries.set(name, file);
    return {
      append: async (bytes) => {
        this.#begin("append", path, true);
        const fits = Math.min(bytes.byteLength, this.freeBytes);
        file.bytes = Uint8Array.from([...file.bytes, ...bytes.subarray(0, fits)]);
        this.freeBytes -= fits;
        if (fits < bytes.byteLength) throw failure("ENOSPC", path);
      },
      sync: async () => {
        this.#begin("sync", path);
        this.#sync(file);
      },
      close: async () => {
        this.#begin("close", path);
      },
    };
  }

  async rename(from: string, to: string): Promise<void> {
    this.#begin("rename", from, true);
    const item = this.#find(from);
    if (!item) throw failure("ENOENT", from);
    const [source, target] = [this.#place(from), this.#place(to)];
    const present = target.directory.entries.get(target.name);
    if (present?.kind === "directory" && present.entries.size > 0) throw failure("ENOTEMPTY", to);
    if (present && present.kind !== item.kind) throw failure(item.kind === "file" ? "EISDIR" : "ENOTDIR", to);
    source.directory.entries.delete(source.name);
    target.directory.entries.set(target.name, item);
  }

  async exchange(one: string, other: string): Promise<boolean> {
    this.#begin("exchange", one, true);
    if (!this.canExchange) return false;
    const [first, second] = [this.#find(one), this.#find(other)];
    if (!first || !second) throw failure("ENOENT", one);
    this.#place(one).directory.entries.set(this.#place(one).name, second);
    this.#place(other).directory.entries.set(this.#place(other).name, first);
    return true;
  }

  async syncDirectory(path: string): Promise<void> {
    this.#begin("sync directory", path);
    this.#sync(this.#directory(path));
  }

  async syncFile(path: string): Promise<void> {
    this.#begin("sync", path);
    this.#sync(this.#file(path));
  }

  async makeDirectory(path: string): Promise<void> {
    this.#begin("make directory", path, true);
    let directory = this.#root;
    for (const name of parts(path)) {
      const next = directory.entries.get(name) ?? emptyDirectory();
      if (next.kind !== "directory") throw failure("ENOTDIR", path);
      directory.entries.set(name, next);
      directory = next;
    }
  }

  async names(path: string): Promise<readonly string[]> {
    this.#begin("names", path);
    return [...this.#directory(path).entries.keys()].reverse();
  }

  async remove(path: string): Promise<void> {
    this.#begin("remove", path, true);
    if (!this.#find(path)) return;
    const { directory, name } = this.#place(path);
    directory.entries.delete(name);
  }

  async makeTemporary(prefix: string): Promise<string> {
    const path = `/tmp/${prefix}${this.#temporaries++}`;
    await this.makeDirectory(path);
    return path;
  }

  #begin(operation: string, path: string, changes = false): void {
    const at = this.operations.length;
    const fault = this.#fault;
    if (fault?.kind === "power loss" && at >= fault.at) throw new PowerLoss();
    this.operations.push(`${operation} ${path}`);
    if (fault?.kind === "fail" && at === fault.at) throw failure(fault.code, path);
    if (changes && this.readOnly) throw failure("EROFS", path);
  }

  #sync(item: Item): void {
    if (!this.honoursSync) return;
    if (item.kind === "file") item.syncedBytes = item.bytes;
    else item.syncedEntries = new Map(item.entries);
  }

  #find(path: string): Item | undefined {
    let item: Item = this.#root;
    for (const name of parts(path)) {
      const next: Item | undefined = item.kind === "directory" ? item.entries.get(name) : undefined;
      if (!next) return undefined;
      item = next;
    }
    return item;
  }

  #file(path: string): SimulatedFile {
    const item = this.#find(path);
    if (item?.kind !== "file") throw failure(item ? "EISDIR" : "ENOENT", path);
    return item;
  }

  #directory(path: string): SimulatedDirectory {
    const item = this.#find(path);
    if (item?.kind !== "directory") throw failure(item ? "ENOTDIR" : "ENOENT", path);
    return item;
  }

  #place(path: string): { readonly directory: SimulatedDirectory; readonly name: string } {
    return { directory: this.#directory(posix.dirname(path)), name: posix.basename(path) };
  }
}

/** What operations throw from the moment the power is lost. Nothing may catch it and go on. */
export class PowerLoss extends Error {
  constructor() {
    super("the power is lost");
  }
}

function parts(path: string): readonly string[] {
  return posix
    .normalize(path)
    .split("/")
    .filter((part) => part !== "" && part !== ".");
}

function emptyDirectory(): SimulatedDirectory {
  return { kind: "directory", entries: new Map(), syncedEntries: new Map() };
}

function survivor(item: Item, loss: Loss): Item {
  if (item.kind === "file") {
    const bytes = loss === "nothing" ? item.bytes : item.syncedBytes;
    return { kind: "file", bytes, syncedBytes: bytes };
  }
  const kept = loss === "everything unsynced" ? item.syncedEntries : item.entries;
  const entries = new Map([...kept].map(([name, below]) => [name, survivor(below, loss)]));
  return { kind: "directory", entries, syncedEntries: new Map(entries) };
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code, syscall: "simulated" });
}
