/** @file What makes a run outlive its processes, from the flags, and what the user is told of it. */
import type { Plan } from "../../compiler/plan/plan.js";
import type { CheckpointEvent } from "../checkpoint/checkpointer.js";
import type { TrainOptions } from "../train.js";
import { DEFAULTS } from "./defaults.js";
import type { FlagValues } from "./flags.js";
import type { Progress } from "./progress.js";

/** Options of `train` that come from the flags of this kind. */
export type LastingOptions = Pick<TrainOptions, "checkpoints" | "restarts" | "hangMs" | "prefetch">;

/** A worker may stand still at least this long, and at least as long as this many steps are predicted to take. */
const LEAST_HANG_MS = 300_000;
const HANG_STEPS = 20;

/** Reads the flags. Checkpoints of a plan lie beside it, because a new plan takes the place of the old one. */
export function lastingOptions(flags: FlagValues, plan: Plan, directory: string): LastingOptions {
  const { checkpointEvery, checkpointDir, keep, resume, restarts, hangTimeout, prefetch } = flags;
  return {
    checkpoints: {
      directory: checkpointDir ?? `${directory.replace(/\/+$/, "")}.checkpoints`,
      every: checkpointEvery ?? 0,
      keep: keep ?? Number(DEFAULTS.keep),
      ...(resume === undefined ? {} : { resume }),
    },
    hangMs: hangTimeout ?? Math.max(LEAST_HANG_MS, HANG_STEPS * plan.schedule.forecast.makespanMs),
    ...(restarts === undefined ? {} : { restarts }),
    ...(prefetch === undefined ? {} : { prefetch }),
  };
}

/** Says aloud what happens to workers and checkpoints, and remembers it for the result. */
export class LastingRecord {
  readonly #progress: Progress;
  resumedSteps = 0;
  checkpoint: string | undefined;
  recoveries = 0;

  constructor(progress: Progress) {
    this.#progress = progress;
  }

  /** The options with listeners. */
  listenTo({ checkpoints, ...others }: LastingOptions): LastingOptions & Pick<TrainOptions, "onRecovery"> {
    return {
      ...others,
      ...(checkpoints ? { checkpoints: { ...checkpoints, onEvent: (event) => this.#onCheckpoint(event) } } : {}),
      onRecovery: ({ step, reason, isReplayed }) => {
        this.recoveries++;
        const how = isReplayed ? "is run again" : "is finished";
        this.#progress.note(`recovered: step ${step} ${how} with a new worker, because ${firstSentence(reason)}`);
      },
    };
  }

  #onCheckpoint(event: CheckpointEvent): void {
    switch (event.kind) {
      case "saved":
        this.checkpoint = event.path;
        return this.#progress.note(`saved: ${event.path}`);
      case "resumed":
        this.resumedSteps = event.step;
        this.#progress.note(`resumed: after step ${event.step}, from ${event.path}`);
        for (const notice of event.notices) this.#progress.note(`warning: ${notice}`);
        return;
      case "refused":
        return this.#progress.note(`warning: not resumed from ${event.reason}`);
      case "set aside":
        return this.#progress.note(`renamed: a newer checkpoint is now ${event.path}`);
      case "failed":
        return this.#progress.note(`warning: step ${event.step} is not saved; ${event.reason}`);
    }
  }
}

function firstSentence(text: string): string {
  return text.split(". ")[0]!;
}
