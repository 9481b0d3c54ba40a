/** @file The calls of Linux that Node does not offer: memfd_create, mmap, futex, prctl, sched_setattr. */
import koffi from "koffi";
import { PipewrightError } from "../../compiler/errors.js";
import { loadLibrary } from "./native.js";

/** Numbers of the system calls that not every C library has a function for. */
const SYSTEM_CALLS: Readonly<Record<string, { futex: number; getScheduling: number; setScheduling: number }>> = {
  x64: { futex: 202, getScheduling: 315, setScheduling: 314 },
  arm64: { futex: 98, getScheduling: 275, setScheduling: 274 },
};

const PROT_READ_WRITE = 0x1 | 0x2;
const MAP_SHARED = 0x01;
const MAP_PRIVATE_ANONYMOUS_FIXED = 0x02 | 0x20 | 0x10;
const MAP_FAILED = (1n << 64n) - 1n;
const MFD_CLOEXEC = 1;
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const EVERYONE = 0x7fffffff;
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;
/** The first version of `struct sched_attr`, and the places of two of its fields. */
const SCHED_ATTR_BYTES = 48;
const SCHED_POLICY_AT = 4;
const SCHED_RUNTIME_AT = 24;
const SCHED_OTHER = 0;
const SCHED_BATCH = 3;
/** Longest slice that Linux takes. It is told by programs since 6.12, and ignores them before. */
const SLICE_NS = 100_000_000n;

const MS_PER_SECOND = 1e3;
const NS_PER_MS = 1e6;
/** Longest sleep in one call, so that an infinite timeout fits a timespec. */
const LONGEST_MS = 1e9;

/** Linux calls of this process. Every failure is an Error with the name of the call and the system's code. */
export interface Linux {
  /** A new memory file without a name; gives its descriptor. */
  memoryFile(label: string): number;
  /** Maps a file for reading and writing, shared with everyone who maps it. */
  mapShared(descriptor: number, bytes: number): bigint;
  /** Puts private zero pages in the place of a mapping, so that views of it stay harmless. */
  replaceByZeros(address: bigint, bytes: number): void;
  /** Sleeps while the word at an address holds `seen`; the kernel compares it. */
  futexWait(address: bigint, seen: number, timeoutMs: number): void;
  futexWake(address: bigint): void;
  /**
   * Slices of 100 ms for this thread and the threads that it makes, none of which begins in the midst of another's
   * (SCHED_BATCH). Nothing if the user has chosen a policy, or the kernel refuses.
   */
  takeLongSlices(): void;
  /** Asks the kernel to kill this process when the thread that made it ends. */
  dieWithParent(): void;
}

type Native = (...args: (number | bigint | string | Uint8Array | BigInt64Array | null)[]) => number | bigint;

let bound: Linux | undefined;

/** @throws PipewrightError USAGE on other systems and processors: stages run as worker threads there. */
export function linux(): Linux {
  return (bound ??= bindLinux());
}

function bindLinux(): Linux {
  const calls = SYSTEM_CALLS[process.arch];
  if (process.platform !== "linux" || calls === undefined) {
    throw new PipewrightError(
      "USAGE",
      `stages as processes: not supported on this system yet; got ${process.platform} ${process.arch}, expected linux x64 or linux arm64. Run the stages as threads.`,
    );
  }
  const libc = loadLibrary(null);
  const bind = (name: string, result: string, ...takes: string[]): Native => libc.func(name, result, takes) as Native;
  const memfdCreate = bind("memfd_create", "int", "str", "uint");
  const mmap = bind("mmap", "uintptr_t", "uintptr_t", "size_t", "int", "int", "int", "int64_t");
  const futex = bind("syscall", "long", "long", "uintptr_t", "long", "uint32_t", "void *", "void *", "long");
  const sched = bind("syscall", "long", "long", "long", "void *", "long", "long");
  const prctl = bind("prctl", "int", "int", "ulong", "ulong", "ulong", "ulong");

  const map = (address: bigint, bytes: number, flags: number, descriptor: number): bigint => {
    const at = BigInt(mmap(address, bytes, PROT_READ_WRITE, flags, descriptor, 0));
    if (at === MAP_FAILED) throw callFailure("mmap");
    return at;
  };
  const timespec = new BigInt64Array(2);

  return {
    memoryFile: (label) => {
      const descriptor = Number(memfdCreate(label, MFD_CLOEXEC));
      if (descriptor < 0) throw callFailure("memfd_create");
      return descriptor;
    },
    mapShared: (descriptor, bytes) => map(0n, bytes, MAP_SHARED, descriptor),
    replaceByZeros: (address, bytes) => {
      map(address, bytes, MAP_PRIVATE_ANONYMOUS_FIXED, -1);
    },
    futexWait: (address, seen, timeoutMs) => {
      const boundedMs = Math.min(timeoutMs, LONGEST_MS);
      const seconds = Math.floor(boundedMs / MS_PER_SECOND);
      timespec[0] = BigInt(seconds);
      timespec[1] = BigInt(Math.floor((boundedMs - seconds * MS_PER_SECOND) * NS_PER_MS));
      futex(calls.futex, address, FUTEX_WAIT, seen >>> 0, timespec, null, 0);
    },
    futexWake: (address) => {
      futex(calls.futex, address, FUTEX_WAKE, EVERYONE, null, null, 0);
    },
    takeLongSlices: () => {
      const bytes = new Uint8Array(SCHED_ATTR_BYTES);
      const fields = new DataView(bytes.buffer);
      if (sched(calls.getScheduling, 0, bytes, bytes.length, 0) !== 0) return;
      if (fields.getUint32(SCHED_POLICY_AT, true) !== SCHED_OTHER) return;
      fields.setUint32(SCHED_POLICY_AT, SCHED_BATCH, true);
      fields.setBigUint64(SCHED_RUNTIME_AT, SLICE_NS, true);
      sched(calls.setScheduling, 0, bytes, 0, 0);
    },
    dieWithParent: () => {
      if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) !== 0) throw callFailure("prctl");
    },
  };
}

function callFailure(name: string): PipewrightError {
  const number = koffi.errno();
  const code = Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `error ${number}`;
  const advice =
    code === "ENOMEM" ? "Lower the batch or free some memory." : "Check the limits of this process (ulimit -a).";
  return new PipewrightError("FILE", `shared memory: ${name} failed; the system says ${code}. ${advice}`);
}
