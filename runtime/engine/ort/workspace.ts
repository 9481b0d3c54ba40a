/**
 * @file The memory that graphs compute in: one arena for all sessions of a process. Sessions of their own arenas would
 * each keep what they once needed, although only one runs at a time.
 */
import { OrtError } from "./api.js";
import type { Handle, OrtApi } from "./api.js";

/** OrtArenaAllocator: an arena, not plain allocations. */
const ARENA = 1;
/** kSameAsRequested: the arena grows by what is asked for, not to the next power of two. */
const AS_REQUESTED = 1;
/** Leaves a setting to the library. */
const DEFAULT = -1;

/** Makes the arena, unless another engine of the process has: there is one OrtEnv in a process. */
export function shareWorkspace(api: OrtApi, env: Handle): void {
  const place = api.create("CreateMemoryInfo", "Cpu", ARENA, 0, 0);
  const settings = api.create("CreateArenaCfg", 0, AS_REQUESTED, DEFAULT, DEFAULT);
  try {
    api.check("CreateAndRegisterAllocator", env, place, settings);
  } catch (error) {
    if (!(error instanceof OrtError && error.message.includes("already"))) throw error;
  } finally {
    api.release("ReleaseArenaCfg", settings);
    api.release("ReleaseMemoryInfo", place);
  }
}

/** Bytes that the arena has taken from the system, seen from one of its sessions. It gives nothing back. */
export function workspacePeakBytes(api: OrtApi, session: Handle): number {
  const place = api.create("CreateMemoryInfo", "Cpu", ARENA, 0, 0);
  const handles: [Parameters<OrtApi["release"]>[0], Handle][] = [["ReleaseMemoryInfo", place]];
  try {
    const allocator = api.create("CreateAllocator", session, place);
    handles.push(["ReleaseAllocator", allocator]);
    const stats = api.create("AllocatorGetStats", allocator);
    handles.push(["ReleaseKeyValuePairs", stats]);
    return Number(api.valueOf(stats, "TotalAllocated"));
  } finally {
    for (const [release, handle] of handles.reverse()) api.release(release, handle);
  }
}
