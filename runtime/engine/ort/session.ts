/** @file Session options and sessions: every setting that could change bits is set here, for all graphs alike. */
import koffi from "koffi";
import type { Argument, Handle, OrtApi } from "./api.js";

/** ORT_SEQUENTIAL: one node after the other. */
const SEQUENTIAL = 0;
/** ORT_DISABLE_ALL: no rewriting, so that the bits of a result do not depend on where a graph is cut. */
const NO_OPTIMISATION = 0;
/**
 * Off: only the first session of a process takes this setting, and only for the thread that makes it, where it then holds
 * for JavaScript's numbers too. So with it on, a result would depend on which thread loaded a graph first.
 */
const DENORMAL_AS_ZERO = "session.set_denormal_as_zero";
/** ORT_LOGGING_LEVEL_FATAL: reasons come back in the status, so nothing is printed. */
export const QUIET = 4;

/** What differs between the sessions of engines. */
export interface SessionSettings {
  /** Threads within a node. */
  readonly threads: number;
  /** Adds the execution provider of a device; the CPU needs none. */
  readonly addProvider?: (options: Handle) => void;
  /** Turns the profiler on: its file is this prefix, an underscore, a time and ".json". */
  readonly profilePrefix?: string;
}

/**
 * A session over the bytes of a model; they may go when this returns.
 * @throws OrtError with the library's reason.
 */
export function createSession(api: OrtApi, env: Handle, model: Uint8Array, settings: SessionSettings): Handle {
  const options = api.create("CreateSessionOptions");
  try {
    api.check("SetSessionExecutionMode", options, SEQUENTIAL);
    api.check("SetSessionGraphOptimizationLevel", options, NO_OPTIMISATION);
    // A pattern would be one block for all that a run needs, beside the blocks of the run that it was learnt from.
    api.check("DisableMemPattern", options);
    api.check("SetSessionLogSeverityLevel", options, QUIET);
    api.check("SetIntraOpNumThreads", options, settings.threads);
    api.check("SetInterOpNumThreads", options, 1);
    api.check("AddSessionConfigEntry", options, DENORMAL_AS_ZERO, "0");
    api.check("AddSessionConfigEntry", options, "session.intra_op.allow_spinning", "0");
    api.check("AddSessionConfigEntry", options, "session.use_env_allocators", "1");
    if (settings.profilePrefix !== undefined) api.check("EnableProfiling", options, settings.profilePrefix);
    settings.addProvider?.(options);
    return api.create("CreateSessionFromArray", env, model, model.byteLength, options);
  } finally {
    api.release("ReleaseSessionOptions", options);
  }
}

/** Names of a session's inputs or outputs, in the order of the graph. */
export function sessionNames(api: OrtApi, session: Handle, side: "Input" | "Output"): readonly string[] {
  const total = api.count(`SessionGet${side}Count`, session);
  return Array.from({ length: total }, (_, index) => takeText(api, `SessionGet${side}Name`, session, index));
}

/** Text that the library allocated: read, then given back. The allocator goes in front of the last parameter. */
export function takeText(
  api: OrtApi,
  name: "SessionGetInputName" | "SessionGetOutputName" | "SessionEndProfiling",
  ...args: readonly Argument[]
): string {
  const allocator = api.create("GetAllocatorWithDefaultOptions");
  const text = api.create(name, ...args, allocator);
  try {
    return koffi.decode.string(text);
  } finally {
    api.check("AllocatorFree", allocator, text);
  }
}
