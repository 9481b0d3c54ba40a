/**
 * @file All that a loss of power may leave of a sequence of disk operations. Names of a directory may be there up to any
 * point since its last sync, or all but one of them; content of a file since its last sync may be the old, the new, half
 * of the new, or zeros.
 * Source: the abstract persistence model of Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014, and the
 * bounds of Mohan et al., "Finding Crash-Consistency Bugs with Bounded Black-Box Crash Testing", OSDI 2018.
 */
import { posix } from "node:path";
import type { NewFile } from "../../runtime/env/disk.js";
import { SimulatedDisk } from "./simulated-disk.js";

/** One change of the disk, one sync, or something the program said to the outside. */
export type Operation =
  | { readonly kind: "make directory" | "create" | "unlink" | "sync file" | "sync directory"; readonly path: string }
  | { readonly kind: "append"; readonly path: string; readonly bytes: Uint8Array }
  | { readonly kind: "rename" | "exchange"; readonly path: string; readonly to: string }
  | { readonly kind: "acknowledge"; readonly step: number };

/** A disk that writes down what is done to it. */
export class RecordingDisk extends SimulatedDisk {
  readonly log: Operation[] = [];

  override async create(path: string): Promise<NewFile> {
    const file = await super.create(path);
    this.log.push({ kind: "create", path });
    return {
      append: async (bytes) => {
        await file.append(bytes);
        this.log.push({ kind: "append", path, bytes: bytes.slice() });
      },
      sync: async () => {
        await file.sync();
        this.log.push({ kind: "sync file", path });
      },
      close: () => file.close(),
    };
  }

  override async rename(from: string, to: string): Promise<void> {
    await super.rename(from, to);
    this.log.push({ kind: "rename", path: from, to });
  }

  override async exchange(one: string, other: string): Promise<boolean> {
    const isDone = await super.exchange(one, other);
    if (isDone) this.log.push({ kind: "exchange", path: one, to: other });
    return isDone;
  }

  override async syncDirectory(path: string): Promise<void> {
    await super.syncDirectory(path);
    this.log.push({ kind: "sync directory", path });
  }

  override async syncFile(path: string): Promise<void> {
    await super.syncFile(path);
    this.log.push({ kind: "sync file", path });
  }

  override async makeDirectory(path: string): Promise<void> {
    const names = posix.normalize(path).split("/").filter(Boolean);
    for (const [depth] of names.entries()) {
      const parent = `/${names.slice(0, depth + 1).join("/")}`;
      if (!(await this.entry(parent))) this.log.push({ kind: "make directory", path: parent });
    }
    await super.makeDirectory(path);
  }

  override async remove(path: string): Promise<void> {
    const entry = await this.entry(path);
    if (!entry) return;
    if (entry.kind === "directory") for (const name of await this.names(path)) await this.remove(`${path}/${name}`);
    await super.remove(path);
    this.log.push({ kind: "unlink", path });
  }
}

interface FileNode {
  readonly kind: "file";
  synced: Uint8Array;
  now: Uint8Array;
}

interface DirectoryNode {
  readonly kind: "directory";
  readonly synced: Map<string, DiskNode>;
  readonly now: Map<string, DiskNode>;
  /** Changes of names since the last sync. */
  readonly pending: ((names: Map<string, DiskNode>) => void)[];
}

type DiskNode = FileNode | DirectoryNode;

/** A disk after a loss of power, and the last step that was acknowledged before. */
export interface CrashState {
  readonly disk: SimulatedDisk;
  readonly acknowledged: number;
  /** Operations done before the loss. */
  readonly done: number;
}

/**
 * Every state that a loss of power may leave, at every point of the log; at points with more than `limit` states, that
 * many evenly spread ones.
 */
export async function* crashStates(log: readonly Operation[], limit: number): AsyncGenerator<CrashState> {
  const root = directory();
  const nodes: DiskNode[] = [root];
  let acknowledged = 0;
  for (let done = 0; done <= log.length; done++) {
    const operation = log[done - 1];
    if (operation?.kind === "acknowledge") acknowledged = operation.step;
    else if (operation) apply(root, nodes, operation);
    const choices = choicesOf(nodes);
    const total = choices.reduce((product, { count }) => product * count, 1);
    const taken = Math.min(total, limit);
    for (let number = 0; number < taken; number++) {
      const state = Math.floor((number * total) / taken);
      yield { disk: await diskOf(root, pick(choices, state)), acknowledged, done };
    }
  }
}

/** The syncs of a log, by position. */
export function syncsOf(log: readonly Operation[]): readonly number[] {
  return log.flatMap(({ kind }, position) => (kind === "sync file" || kind === "sync directory" ? [position] : []));
}

function directory(): DirectoryNode {
  return { kind: "directory", synced: new Map(), now: new Map(), pending: [] };
}

function find(root: DirectoryNode, path: string): DiskNode {
  let node: DiskNode = root;
  for (const name of path.split("/").filter(Boolean)) {
    const next: DiskNode | undefined = node.kind === "directory" ? node.now.get(name) : undefined;
    if (!next) throw new Error(`the log names ${path}, which is not there`);
    node = next;
  }
  return node;
}

function apply(root: DirectoryNode, nodes: DiskNode[], operation: Exclude<Operation, { kind: "acknowledge" }>): void {
  const parent = find(root, posix.dirname(operation.path)) as DirectoryNode;
  const name = posix.basename(operation.path);
  const change = (edit: (names: Map<string, DiskNode>) => void): void => {
    edit(parent.now);
    parent.pending.push(edit);
  };
  switch (operation.kind) {
    case "make directory":
    case "create": {
      const empty = new Uint8Array();
      const made: DiskNode = operation.kind === "create" ? { kind: "file", synced: empty, now: empty } : directory();
      nodes.push(made);
      return change((names) => names.set(name, made));
    }
    case "append": {
      const file = find(root, operation.path) as FileNode;
      file.now = Uint8Array.from([...file.now, ...operation.bytes]);
      return;
    }
    case "rename": {
      const moved = find(root, operation.path);
      const target = posix.basename(operation.to);
      return change((names) => {
        names.delete(name);
        names.set(target, moved);
      });
    }
    case "exchange": {
      const target = posix.basename(operation.to);
      const [first, second] = [find(root, operation.path), find(root, operation.to)];
      return change((names) => {
        names.set(name, second);
        names.set(target, first);
      });
    }
    case "unlink":
      return change((names) => names.delete(name));
    case "sync file": {
      const file = find(root, operation.path) as FileNode;
      file.synced = file.now;
      return;
    }
    case "sync directory": {
      const synced = find(root, operation.path) as DirectoryNode;
      for (const edit of synced.pending.splice(0)) edit(synced.synced);
    }
  }
}

/** What the loss decides of one node: which of `count` variants is left of it. */
interface Choice {
  readonly node: DiskNode;
  readonly count: number;
  variant(number: number): Uint8Array | ReadonlyMap<string, DiskNode>;
}

function choicesOf(nodes: readonly DiskNode[]): readonly Choice[] {
  return nodes.flatMap((node): readonly Choice[] => {
    if (node.kind === "file") {
      if (node.synced === node.now) return [];
      const half = node.now.slice(0, Math.floor(node.now.length / 2));
      const variants = [node.synced, node.now, half, new Uint8Array(node.now.length)];
      return [{ node, count: variants.length, variant: (number) => variants[number]! }];
    }
    const { pending } = node;
    if (pending.length === 0) return [];
    const kept = [
      ...Array.from({ length: pending.length + 1 }, (_, length) => pending.slice(0, length)),
      ...Array.from({ length: pending.length - 1 }, (_, left) => pending.filter((__, position) => position !== left)),
    ];
    const variant = (number: number): ReadonlyMap<string, DiskNode> => {
      const names = new Map(node.synced);
      for (const edit of kept[number]!) edit(names);
      return names;
    };
    return [{ node, count: kept.length, variant }];
  });
}

function pick(choices: readonly Choice[], state: number): ReadonlyMap<DiskNode, ReturnType<Choice["variant"]>> {
  let left = state;
  return new Map(
    choices.map(({ node, count, variant }) => {
      const number = left % count;
      left = Math.floor(left / count);
      return [node, variant(number)];
    }),
  );
}

async function diskOf(
  root: DirectoryNode,
  picked: ReadonlyMap<DiskNode, ReturnType<Choice["variant"]>>,
): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  const write = async (node: DiskNode, path: string): Promise<void> => {
    if (node.kind === "file") {
      const file: NewFile = await disk.create(path);
      return file.append((picked.get(node) as Uint8Array | undefined) ?? node.synced);
    }
    if (path !== "") await disk.makeDirectory(path);
    const names = (picked.get(node) as ReadonlyMap<string, DiskNode> | undefined) ?? node.synced;
    for (const [name, below] of names) await write(below, `${path}/${name}`);
  };
  await write(root, "");
  return disk;
}
