/** @file The checkpoints of one run: where it continues, when it saves, and what it says about both. */
import { PipewrightError } from "../../compiler/errors.js";
import type { Files } from "../env/env.js";
import { checkFit } from "./fit.js";
import type { Belonging } from "./manifest.js";
import type { Checkpoint, Found } from "./store.js";
import { CheckpointStore, readCheckpoint } from "./store.js";
import type { TrainingState } from "./state.js";
import { stateFiles } from "./state.js";

export interface CheckpointOptions {
  /** Directory of the run's checkpoints; made when the first is written. */
  readonly directory: string;
  /** Steps from one checkpoint to the next. 0: only when the run is stopped early. */
  readonly every: number;
  /** Newest checkpoints to keep; at least 1. */
  readonly keep: number;
  /** Where to continue: "auto" is the newest in `directory`, or the begin; otherwise a checkpoint or a directory of them. */
  readonly resume?: string;
  readonly onEvent?: OnCheckpointEvent;
}

/** Told aloud what happens to checkpoints. */
export type OnCheckpointEvent = (event: CheckpointEvent) => void;

export type CheckpointEvent =
  | { readonly kind: "saved"; readonly step: number; readonly path: string }
  | { readonly kind: "resumed"; readonly step: number; readonly path: string; readonly notices: readonly string[] }
  /** A checkpoint that is there was not used. */
  | { readonly kind: "refused"; readonly path: string; readonly reason: string }
  /** Newer checkpoints than the one resumed got other names. */
  | { readonly kind: "set aside"; readonly path: string }
  /** Saving failed; training goes on. */
  | { readonly kind: "failed"; readonly step: number; readonly reason: string };

/** Failures in a row after which training stops: the disk will not come back by itself. */
const MOST_FAILURES = 3;

/** Saves in the background, one checkpoint at a time. */
export class Checkpointer {
  readonly #files: Files;
  readonly #store: CheckpointStore;
  readonly #options: CheckpointOptions;
  readonly #belonging: Belonging;
  readonly #onEvent: OnCheckpointEvent;
  #saving: Promise<void> = Promise.resolve();
  #isOpen = false;
  #savedStep = -1;
  #failures = 0;

  constructor(files: Files, options: CheckpointOptions, belonging: Belonging) {
    this.#files = files;
    this.#store = new CheckpointStore(files, options.directory);
    this.#options = options;
    this.#belonging = belonging;
    this.#onEvent = options.onEvent ?? (() => undefined);
  }

  /** Step of the newest checkpoint that this run saved or continued; -1: none. */
  get savedStep(): number {
    return this.#savedStep;
  }

  /**
   * The state to continue from; undefined: begin at the start.
   * @throws USAGE when a new run would mix its checkpoints with those of another; ARTEFACT_MISMATCH when what is asked
   * for is damaged or of another run; FILE.
   */
  async resume(plan: Parameters<typeof checkFit>[1]): Promise<TrainingState | undefined> {
    const { resume, directory } = this.#options;
    if (resume === undefined) {
      await this.#refuseMixing();
      return undefined;
    }
    const checkpoint = await this.#find(resume);
    if (!checkpoint) return undefined;
    const notices = checkFit(checkpoint, plan, this.#belonging);
    const { path, state } = checkpoint;
    if (await this.#files.exists(directory)) {
      await this.#openOnce();
      for (const aside of await this.#store.setAsideAfter(state.step))
        this.#onEvent({ kind: "set aside", path: aside });
    }
    if (path === this.#store.pathOf(state.step)) this.#savedStep = state.step;
    this.#onEvent({ kind: "resumed", step: state.step, path, notices });
    return state;
  }

  /** True when a checkpoint is due after `step` steps. */
  isDue(step: number): boolean {
    return this.#options.every > 0 && step % this.#options.every === 0;
  }

  /**
   * Copies the state, so that the next step may begin when this resolves, and writes it in the background. Waits for the
   * checkpoint before. @throws FILE after several failures in a row.
   */
  async save(state: TrainingState): Promise<void> {
    if (state.step === this.#savedStep) return;
    await this.settle();
    const files = stateFiles(state);
    this.#saving = this.#write(state.step, files).then(
      () => void (this.#failures = 0),
      (error: unknown) => {
        if (!(error instanceof PipewrightError)) throw error;
        this.#onEvent({ kind: "failed", step: state.step, reason: error.message });
        if (++this.#failures >= MOST_FAILURES) throw error;
      },
    );
    this.#saving.catch(() => undefined);
  }

  /** Writes the last state of a run. @throws FILE when it cannot be saved. */
  async saveLast(state: TrainingState): Promise<void> {
    await this.settle();
    if (state.step !== this.#savedStep) await this.#write(state.step, stateFiles(state));
  }

  /** Waits for the checkpoint that is being written. @throws FILE. */
  settle(): Promise<void> {
    return this.#saving;
  }

  async #write(step: number, files: ReturnType<typeof stateFiles>): Promise<void> {
    await this.#openOnce();
    const path = await this.#store.save(step, files, this.#belonging);
    this.#savedStep = step;
    this.#onEvent({ kind: "saved", step, path });
    await this.#store.retain(this.#options.keep);
  }

  async #openOnce(): Promise<void> {
    if (!this.#isOpen) await this.#store.open();
    this.#isOpen = true;
  }

  async #refuseMixing(): Promise<void> {
    const { directory } = this.#options;
    const steps = await this.#store.steps();
    if (steps.length === 0) return;
    throw new PipewrightError(
      "USAGE",
      `${directory}: it holds checkpoints of an earlier run, up to step ${steps.at(-1)}. Continue it with --resume auto, or give another --checkpoint-dir.`,
      { directory, steps },
    );
  }

  async #find(resume: string): Promise<Checkpoint | undefined> {
    const isOne = resume !== "auto" && (await this.#files.exists(`${resume}/MANIFEST`));
    if (isOne) return readCheckpoint(this.#files, resume);
    const root = resume === "auto" ? this.#options.directory : resume;
    const found = await new CheckpointStore(this.#files, root).newest();
    for (const refusal of found.refused) this.#onEvent({ kind: "refused", ...refusal });
    if (found.checkpoint) return found.checkpoint;
    if (found.refused.length > 0) throw allRefused(root, found);
    if (resume === "auto") return undefined;
    throw new PipewrightError(
      "ARTEFACT_MISMATCH",
      `${root}: there is no checkpoint. Check the path given to --resume.`,
      { root },
    );
  }
}

function allRefused(root: string, { refused }: Found): PipewrightError {
  return new PipewrightError(
    "ARTEFACT_MISMATCH",
    `${root}: none of ${refused.length} checkpoints can be used; the newest: ${refused[0]!.reason} Restore one from a copy, or remove the directory to begin again.`,
    { root, refused },
  );
}
