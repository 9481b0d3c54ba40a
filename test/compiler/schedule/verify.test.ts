/** @file The verifier: every broken plan is refused, PyTorch's corrupting configurations among them, and no sound one. */
import { describe, expect, it } from "vitest";
import type { LoweredSchedule } from "../../../compiler/schedule/lower.js";
import { lower } from "../../../compiler/schedule/lower.js";
import { scheduleByName } from "../../../compiler/schedule/registry.js";
import type { Step } from "../../../compiler/schedule/step.js";
import { formatStep } from "../../../compiler/schedule/step.js";
import { loweredFaults, verifyLowered } from "../../../compiler/schedule/verify.js";
import { channelFault, leastSlots } from "../../../compiler/schedule/verify-channels.js";
import { lowerLikeTorch } from "./torch-lowering.js";

const invariants = (lowered: LoweredSchedule) => [...new Set(loweredFaults(lowered).map(({ invariant }) => invariant))];

describe("PyTorch", () => {
  const MULTI_STAGE = ["interleaved-1f1b", "looped-bfs", "interleaved-zb", "zb-v", "dualpipe-v"];
  const configurations = [
    [2, 4],
    [4, 8],
    [4, 16],
  ].flatMap(([devices, microbatches]) =>
    MULTI_STAGE.map((name) => ({ name, devices: devices!, microbatches: microbatches! })),
  );
  const corrupted = ["interleaved-zb 2 4", "zb-v 2 4", "zb-v 4 8", "dualpipe-v 4 8", "zb-v 4 16", "dualpipe-v 4 16"];

  it.each(configurations)(
    "$name with $devices devices and $microbatches microbatches",
    ({ name, devices, microbatches }) => {
      const schedule = scheduleByName(name, { devices, microbatches });
      const plain = lowerLikeTorch(schedule, { defer: false });
      const deferred = lowerLikeTorch(schedule, { defer: true });
      expect(loweredFaults(plain)).toEqual([]);
      expect(leastSlots(plain)).toBe(0);
      expect(invariants(deferred)).toEqual(corrupted.includes(`${name} ${devices} ${microbatches}`) ? ["V6"] : []);
      expect(channelFault(deferred, "rendezvous")?.invariant).toBe("V7");
      expect(leastSlots(deferred)).toBe(name === "looped-bfs" ? microbatches / 4 + (microbatches === 4 ? 1 : 0) : 1);
    },
  );
});

const PLANS = [
  { name: "1f1b", devices: 3, microbatches: 4 },
  { name: "zb-h1", devices: 3, microbatches: 3 },
  { name: "zb-v", devices: 2, microbatches: 3 },
  { name: "interleaved-1f1b", devices: 2, microbatches: 4 },
  { name: "dualpipe", devices: 2, microbatches: 4 },
  { name: "chimera", devices: 2, microbatches: 4 },
];

/** Stages that share weights in all plans. */
const TIED = [[0, 1]];

/** A mutation that must break the plan, and where it was made. */
interface Mutation {
  readonly what: string;
  readonly rows: readonly (readonly Step[])[];
}

function edit(rows: LoweredSchedule["rows"], device: number, change: (row: Step[]) => void): Step[][] {
  return rows.map((row, d) => {
    const copy = [...row];
    if (d === device) change(copy);
    return copy;
  });
}

/** Leaves out, repeats, renames and moves each step, and swaps each two whose order matters. */
function* mutations({ rows, schedule }: LoweredSchedule): Generator<Mutation> {
  for (const [d, row] of rows.entries())
    for (const [i, step] of row.entries()) {
      const where = `${formatStep(step)} at ${d}:${i}`;
      yield { what: `drop ${where}`, rows: edit(rows, d, (r) => r.splice(i, 1)) };
      yield { what: `repeat ${where}`, rows: edit(rows, d, (r) => r.splice(i, 0, step)) };
      const other = (d + 1) % rows.length;
      if (step.kind !== "update") {
        const moved = edit(rows, d, (r) => r.splice(i, 1));
        yield { what: `move ${where}`, rows: edit(moved, other, (r) => r.splice(Math.min(i, r.length - 1), 0, step)) };
      }
      for (const renamed of renamings(step, schedule.stages, schedule.microbatches))
        yield {
          what: `rename ${where} to ${formatStep(renamed)}`,
          rows: edit(rows, d, (r) => r.splice(i, 1, renamed)),
        };
      for (let j = i + 1; j < row.length; j++) {
        if (!mustStayInOrder(step, row[j]!, schedule.placement)) continue;
        const swapped = edit(rows, d, (r) => ([r[i], r[j]] = [r[j]!, r[i]!]));
        yield { what: `swap ${where} with ${formatStep(row[j]!)}`, rows: swapped };
      }
    }
}

function renamings(step: Step, stages: number, microbatches: number): Step[] {
  switch (step.kind) {
    case "compute": {
      const [action] = step.actions;
      const rest = step.actions.slice(1);
      const { stage, phase, microbatch } = action!;
      return [
        { stage: (stage + 1) % stages, phase, microbatch },
        { stage, phase, microbatch: (microbatch + 1) % microbatches },
        { stage, phase, microbatch: microbatches },
        ...(["F", "B", "I", "W"] as const).filter((p) => p !== phase).map((p) => ({ stage, phase: p, microbatch })),
      ].map((changed) => ({ kind: "compute", actions: [changed, ...rest] }));
    }
    case "send":
    case "receive":
      return [
        { ...step, microbatch: (step.microbatch + 1) % microbatches },
        { ...step, from: step.to, to: step.from },
        { ...step, to: (step.to + 1) % stages },
        { ...step, bytes: 1 },
        { ...step, kind: step.kind === "send" ? "receive" : "send" },
      ];
    case "reduce":
      return [{ ...step, stage: (step.stage + 1) % stages }];
    case "tied-reduce":
      return [{ ...step, group: step.group + 1 }];
    default:
      return [];
  }
}

/** Would a swap of these two in one row break a rule for sure? */
function mustStayInOrder(a: Step, b: Step, placement: readonly number[]): boolean {
  if (b.kind === "update") return true;
  if (a.kind === "reduce" && b.kind === "tied-reduce") return TIED[b.group]!.includes(a.stage);
  if (a.kind === "compute" && b.kind === "reduce")
    return a.actions.some(({ stage, phase }) => stage === b.stage && (phase === "B" || phase === "W"));
  if ((a.kind === "send" || a.kind === "receive") && a.kind === b.kind)
    return placement[a.from] === placement[b.from] && placement[a.to] === placement[b.to];
  if (a.kind === "receive" && b.kind === "compute")
    return b.actions.some(
      (x) =>
        x.stage === a.to && x.microbatch === a.microbatch && x.phase !== "W" && (x.phase === "F") === a.from < a.to,
    );
  if (a.kind === "compute" && b.kind === "send")
    return a.actions.some(
      (x) =>
        x.stage === b.from && x.microbatch === b.microbatch && x.phase !== "W" && (x.phase === "F") === b.from < b.to,
    );
  if (a.kind === "compute" && b.kind === "compute")
    return a.actions.some((x) => b.actions.some((y) => x.stage === y.stage && x.microbatch === y.microbatch));
  return false;
}

/** What is wrong, got and expected, what to do; then the rows with an arrow under the first bad cell. */
const SHOWN = /^schedule [\w-]+: .+; got .+ expected .+\. .+\.\nd0 [^]*\n +\^ d\d+, position \d+/;

function messageOf(lowered: LoweredSchedule): string | undefined {
  try {
    verifyLowered(lowered);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Rules that a mutation of a whole plan can break; V1 is of the text, V7 to V9 and V13 of channels, memory and engines. */
const BREAKABLE = ["V2", "V3", "V4", "V5", "V6", "V10", "V11", "V14", "V15"];

describe("mutations", () => {
  it("of two plans break every rule that they can", () => {
    const broken = new Set<string>();
    for (const name of ["1f1b", "chimera"]) {
      const lowered = lower(scheduleByName(name, { devices: 2, microbatches: 4 }), { tied: TIED });
      for (const { rows } of mutations(lowered))
        for (const found of invariants({ ...lowered, rows })) broken.add(found);
    }
    expect([...broken]).toEqual(expect.arrayContaining(BREAKABLE));
  });

  it.each(PLANS)("of $name are all refused", ({ name, ...size }) => {
    const lowered = lower(scheduleByName(name, size), { tied: TIED });
    expect(loweredFaults(lowered)).toEqual([]);
    let count = 0;
    const survivors: string[] = [];
    const unclear: string[] = [];
    for (const { what, rows } of mutations(lowered)) {
      count++;
      const message = messageOf({ ...lowered, rows });
      if (message === undefined) survivors.push(what);
      else if (!SHOWN.test(message)) unclear.push(`${what}: ${message}`);
    }
    expect(survivors).toEqual([]);
    expect(unclear).toEqual([]);
    expect(count).toBeGreaterThan(300);
  });
});

describe("single rules", () => {
  const lowered = lower(scheduleByName("1f1b", { devices: 2, microbatches: 3 }));

  it("V9 names the F that passes the capacity", () => {
    expect(loweredFaults(lowered, { capacity: [1, 1] })).toMatchObject([
      { invariant: "V9", device: 0, wrong: "device 0 runs out of memory at 0F1; got 2 expected at most 1" },
    ]);
    expect(loweredFaults(lowered, { capacity: [2, 1] })).toEqual([]);
  });

  it("V8 needs a free buffer", () => {
    expect(invariants({ ...lowered, receiveSlots: 1 })).toEqual(["V8"]);
    expect(invariants({ ...lowered, receiveSlots: 2 })).toEqual([]);
  });

  it("V8 keeps parameters gathered while they are used", () => {
    const sharded = lower(lowered.schedule, { sharded: true });
    expect(loweredFaults(sharded)).toEqual([]);
    const without = sharded.rows.map((row) => row.filter(({ kind }) => kind !== "gather"));
    const early = sharded.rows.map((row) => [
      row[0]!,
      { kind: "release", stage: (row[0] as { stage: number }).stage } as const,
      ...row.slice(1),
    ]);
    expect(invariants({ ...sharded, rows: without })).toEqual(["V8"]);
    expect(invariants({ ...sharded, rows: early })).toEqual(["V8"]);
  });

  it("V12 wants one order of collectives", () => {
    const two = lower(lowered.schedule, {
      tied: [
        [0, 1],
        [1, 0],
      ],
    });
    expect(
      invariants({
        ...two,
        rows: [
          two.rows[0]!,
          [...two.rows[1]!.slice(0, -3), two.rows[1]!.at(-2)!, two.rows[1]!.at(-3)!, two.rows[1]!.at(-1)!],
        ],
      }),
    ).toEqual(["V12"]);
  });

  it("V13 counts results only for engines that count", () => {
    const reversed = scheduleByName("gpipe", { devices: 2, microbatches: 2 });
    const schedule = {
      ...reversed,
      rows: reversed.rows.map((row) => row.map((action) => ({ ...action, microbatch: 1 - action.microbatch }))),
    };
    expect(invariants(lower(schedule))).toEqual([]);
    expect(invariants(lower(schedule, { results: "by arrival" }))).toEqual(["V13"]);
  });

  it("V7 depends on the channel", () => {
    const crossed: LoweredSchedule["rows"] = [
      [
        { kind: "send", from: 0, to: 1, microbatch: 0 },
        { kind: "receive", from: 1, to: 0, microbatch: 0 },
      ],
      [
        { kind: "send", from: 1, to: 0, microbatch: 0 },
        { kind: "receive", from: 0, to: 1, microbatch: 0 },
      ],
    ];
    const both = { ...lowered, rows: crossed };
    expect(channelFault(both, "rendezvous")).toMatchObject({
      wrong:
        "deadlock with rendezvous: device 0 at 0SEND_F0 waits for device 1; device 1 at 1SEND_B0 waits for device 0; got a circle expected all rows to end",
    });
    expect(leastSlots(both)).toBe(1);
  });

  it("throws with the rows and an arrow", () => {
    const rows = lowered.rows.map((row, d) => (d === 1 ? [row[2]!, row[0]!, row[1]!, ...row.slice(3)] : row));
    expect(lowered.rows[1]!.slice(0, 3).map(formatStep)).toEqual(["1RECV_F0", "1RECV_F1", "1F0"]);
    expect(() => verifyLowered({ ...lowered, rows })).toThrow(
      /^schedule 1f1b: 1RECV_F0 stands after 1F0; got position 1 expected less than 0\. Receive before use\.\nd0 .*\nd1 .*\n +\^ d1, position 1$/,
    );
  });
});
