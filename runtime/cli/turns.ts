/** @file Turns for timers and signals in long computations, which would not hear of them else. */
import { PipewrightError } from "../../compiler/errors.js";
import type { Clock } from "../env/env.js";

const TURN_MS = 100;

/** Gives others their turn a few times a second; to be awaited often. */
export function turns(clock: Clock): () => Promise<void> {
  let lastMs = clock.nowMs();
  return async () => {
    if (clock.nowMs() - lastMs < TURN_MS) return;
    await clock.sleep(0);
    lastMs = clock.nowMs();
  };
}

/** The same while a model is profiled. @throws INTERRUPTED once the signal is given, since nothing is there to keep. */
export function profileTurns(clock: Clock, signal: AbortSignal | undefined): () => Promise<void> {
  const turn = turns(clock);
  return async () => {
    await turn();
    if (signal?.aborted) throw interrupted(String(signal.reason));
  };
}

/** What to say of a profile that a signal ended. */
export function interrupted(signal: string): PipewrightError {
  return new PipewrightError(
    "INTERRUPTED",
    `profile: it was stopped by ${signal}; nothing was written. Run it again, or give --analytic to profile nothing.`,
  );
}
