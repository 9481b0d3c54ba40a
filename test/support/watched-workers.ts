/** @file Real workers that a test sees: their processes, and the words of shared memory that tell how far they are. */
import { readFileSync } from "node:fs";
import type { Plan } from "../../compiler/plan/plan.js";
import type { Env, SharedMemory } from "../../runtime/env/env.js";
import { nodeEnv } from "../../runtime/env/node.js";
import type { Layout } from "../../runtime/layout.js";
import { layoutOf } from "../../runtime/layout.js";

/** An environment whose children and memory can be looked at. */
export interface WatchedEnv extends Env {
  /** Process ids of all workers started so far. Of a plan with D devices, the first D are those of devices 0 … D-1. */
  readonly pids: readonly number[];
  /** Actions that a device finished since the run began. */
  progressOf(plan: Plan, device: number): number;
  /** Slabs that the update of a device's first stage with parameters finished in this step. */
  slabsOf(plan: Plan, device: number): number;
}

export function watchedEnv(): WatchedEnv {
  const env = nodeEnv();
  const layouts = new Map<Plan, Layout>();
  const layoutFor = (plan: Plan): Layout => {
    const known = layouts.get(plan) ?? layoutOf(plan);
    layouts.set(plan, known);
    return known;
  };
  const pids: number[] = [];
  let memory: SharedMemory | undefined;
  const word = (offset: number): number => {
    if (!memory || memory.byteLength < offset + 4) return 0;
    return Atomics.load(memory.words(offset, 1), 0);
  };
  return {
    ...env,
    pids,
    memories: {
      create: (bytes) => (memory = env.memories.create(bytes)),
      open: (name) => env.memories.open(name),
    },
    processes: {
      spawn: (entry, argument) => {
        const child = env.processes.spawn(entry, argument);
        pids.push(child.pid);
        return child;
      },
    },
    progressOf: (plan, device) => word(layoutFor(plan).progress[device]!),
    slabsOf: (plan, device) => {
      const { arenas } = layoutFor(plan);
      const stage = plan.stages.find(({ index, device: owner }) => owner === device && arenas[index]);
      return stage ? word(arenas[stage.index]!.marker.offset) : 0;
    },
  };
}

/** True while a process runs or sleeps. One that ended whose parent is gone may stay for a while, until the system collects it. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Resolves when `isTrue`, looking every few milliseconds. What never becomes true ends with the time of the test. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** True while a process is there, also as a zombie. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
