/**
 * @file Checkpoints in a directory: each appears whole or not at all, is reported only when it would survive a loss of
 * power, is checked bit by bit before it is used, and leaves by its name first.
 *
 * Protocol: files are written into a temporary directory and synced one by one, the manifest with their digests last;
 * the directory is synced, takes its name, and the parent is synced. Only then the step counts as saved.
 * Source: Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014, on what may be lost otherwise.
 */
import { PipewrightError } from "../../compiler/errors.js";
import type { Files } from "../env/env.js";
import { readPlainFile, withPlainFile } from "../plain-file.js";
import { digestOf } from "../digest.js";
import type { Belonging, Manifest } from "./manifest.js";
import { damaged, decodeManifest, encodeManifest, MANIFEST, MANIFEST_LIMIT_BYTES } from "./manifest.js";
import type { StateFile, TrainingState } from "./state.js";
import { stateOf } from "./state.js";

/** A checkpoint that passed every check. */
export interface Checkpoint {
  readonly path: string;
  readonly manifest: Manifest;
  readonly state: TrainingState;
}

/** What a search found. */
export interface Found {
  /** The newest that passed; undefined: there is none. */
  readonly checkpoint: Checkpoint | undefined;
  /** Newer ones that did not pass, with the reason. */
  readonly refused: readonly { readonly path: string; readonly reason: string }[];
}

const NAME = /^step-(\d{10})$/;
const TRASH = ".trash-";

/** Checkpoints below one directory. One run writes it at a time. */
export class CheckpointStore {
  readonly #files: Files;
  readonly #root: string;

  constructor(files: Files, root: string) {
    this.#files = files;
    this.#root = root;
  }

  /** Makes the directory if it is missing, and removes what interrupted writes and removals left. @throws FILE. */
  async open(): Promise<void> {
    if (!(await this.#files.exists(this.#root))) await this.#files.makeLastingDirectory(this.#root);
    const isLeft = (name: string): boolean => name.startsWith(TRASH) || /^\.step-\d{10}\.[0-9a-f]+\.tmp$/.test(name);
    for (const name of await this.#files.list(this.#root))
      if (isLeft(name)) await this.#files.remove(`${this.#root}/${name}`);
  }

  /** Steps of the checkpoints that are there, checked or not, oldest first. */
  async steps(): Promise<readonly number[]> {
    if (!(await this.#files.exists(this.#root))) return [];
    const names = await this.#files.list(this.#root);
    return names.flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number);
  }

  /** Where the checkpoint of a step lies. */
  pathOf(step: number): string {
    return `${this.#root}/step-${String(step).padStart(10, "0")}`;
  }

  /**
   * Writes a checkpoint and returns when it survives a loss of power.
   * Ensures: on failure all older ones are as they were. @throws FILE.
   */
  async save(step: number, files: readonly StateFile[], belonging: Belonging): Promise<string> {
    const path = this.pathOf(step);
    if (await this.#files.exists(path)) await this.#discard(step);
    await this.#files.publishDirectory(path, async (put) => {
      for (const { name, bytes } of files) await put(name, bytes);
      await put(MANIFEST, encodeManifest(belonging, step, files));
    });
    return path;
  }

  /** Keeps the newest `keep` checkpoints and removes the others. @throws FILE. */
  async retain(keep: number): Promise<void> {
    const steps = await this.steps();
    for (const step of steps.slice(0, Math.max(0, steps.length - keep))) await this.#discard(step);
  }

  /** The newest checkpoint that passes all checks. */
  async newest(): Promise<Found> {
    const refused: { path: string; reason: string }[] = [];
    for (const step of [...(await this.steps())].reverse()) {
      const path = this.pathOf(step);
      try {
        const checkpoint = await readCheckpoint(this.#files, path);
        if (checkpoint.state.step !== step) throw damaged(path, `it holds step ${checkpoint.state.step}`);
        return { checkpoint, refused };
      } catch (error) {
        if (!(error instanceof PipewrightError)) throw error;
        refused.push({ path, reason: error.message });
      }
    }
    return { checkpoint: undefined, refused };
  }

  /** Gives checkpoints after `step` another name, so that a run from there may write its own. Returns the new names. */
  async setAsideAfter(step: number): Promise<readonly string[]> {
    const aside: string[] = [];
    for (const later of (await this.steps()).filter((other) => other > step)) {
      const name = await this.#freeName(`${this.#root}/aside-${later}`);
      await this.#files.rename(this.pathOf(later), name);
      aside.push(name);
    }
    return aside;
  }

  /** The name goes first and for good, so that no half-removed checkpoint is ever seen. */
  async #discard(step: number): Promise<void> {
    const trash = await this.#freeName(`${this.#root}/${TRASH}${step}`);
    await this.#files.rename(this.pathOf(step), trash);
    await this.#files.remove(trash);
  }

  async #freeName(wanted: string): Promise<string> {
    for (let number = 1; ; number++) {
      const name = number === 1 ? wanted : `${wanted}-${number}`;
      if (!(await this.#files.exists(name))) return name;
    }
  }
}

/**
 * Reads a checkpoint and checks every byte of it.
 * @throws FILE when a file cannot be read, ARTEFACT_MISMATCH naming the first file that is not as it was written.
 */
export async function readCheckpoint(files: Files, path: string): Promise<Checkpoint> {
  const manifest = decodeManifest(await readPlainFile(files, path, MANIFEST, MANIFEST_LIMIT_BYTES), path);
  const present = await files.list(path);
  const expected = new Set([MANIFEST, ...manifest.files.map(({ name }) => name)]);
  if (expected.size !== manifest.files.length + 1) throw damaged(path, `${MANIFEST} names a file twice`);
  const extra = present.find((name) => !expected.has(name));
  if (extra !== undefined) throw damaged(path, `the file ${JSON.stringify(extra)} does not belong there`);
  const parts: StateFile[] = [];
  for (const { name, bytes: expectedBytes, sha256 } of manifest.files) {
    const bytes = await withPlainFile(files, path, name, (file) => {
      if (file.bytes === expectedBytes) return file.readRange(0, expectedBytes);
      throw damaged(path, `${name} has ${file.bytes} bytes, expected ${expectedBytes}`);
    });
    const digest = digestOf(bytes);
    if (digest !== sha256) throw damaged(path, `${name} was changed; got sha256 ${digest}, expected ${sha256}`);
    parts.push({ name, bytes });
  }
  return { path, manifest, state: stateOf(parts, manifest.step, path) };
}
