/** @file Rules about messages: V4, V5, V6 and V14. */
import type { Action } from "./action.js";
import { formatAction, replicaOf, stagesPerReplica } from "./action.js";
import type { Fault } from "./fault.js";
import type { LoweredSchedule } from "./lower.js";
import type { Message } from "./step.js";
import { formatStep } from "./step.js";

interface Place {
  readonly device: number;
  readonly position: number;
}

/** A message and where it stands. */
interface Placed extends Place {
  readonly message: Message;
}

function placeOf(at: Place | undefined): Partial<Place> {
  return at ? { device: at.device, position: at.position } : {};
}

/** Sends and receives of each tensor, by "from>to:microbatch". */
interface Ends {
  readonly send: Map<string, Placed[]>;
  readonly receive: Map<string, Placed[]>;
}

/** Broken rules of V5 and V14; if there are none, those of V4 and V6. Requires: scheduleFault finds nothing. */
export function messageFaults(lowered: LoweredSchedule): Fault[] {
  const ends = endsOf(lowered);
  const pairing = pairingFaults(lowered, ends);
  if (pairing.length > 0) return pairing;
  return [...orderFaults(lowered, ends), ...channelOrderFaults(lowered)];
}

function keyOf(from: number, to: number, microbatch: number): string {
  return `${from}>${to}:${microbatch}`;
}

function add<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

function groupBy<V>(values: readonly V[], keyOf: (value: V) => number): Map<number, V[]> {
  const groups = new Map<number, V[]>();
  for (const value of values) add(groups, keyOf(value), value);
  return groups;
}

function endsOf({ rows }: LoweredSchedule): Ends {
  const ends: Ends = { send: new Map(), receive: new Map() };
  rows.forEach((row, device) =>
    row.forEach((step, position) => {
      if (step.kind !== "send" && step.kind !== "receive") return;
      add(ends[step.kind], keyOf(step.from, step.to, step.microbatch), { message: step, device, position });
    }),
  );
  return ends;
}

/** V5 and V14: each tensor that crosses has one send and one receive, on the right devices, of one size. */
function pairingFaults({ schedule, crossings, rows }: LoweredSchedule, ends: Ends): Fault[] {
  const { placement, microbatches } = schedule;
  const faults: Fault[] = [];
  const expected = new Set<string>();
  const v5 = (wrong: string, advice: string, at?: Place): void => {
    faults.push({ invariant: "V5", wrong, advice, ...placeOf(at) });
  };
  /** Where the action stands that makes or reads a tensor. */
  const actionAt = (stage: number, phases: string, microbatch: number): Place => {
    const device = placement[stage]!;
    const position = rows[device]!.findIndex(
      (step) =>
        step.kind === "compute" &&
        step.actions.some((a) => a.stage === stage && a.microbatch === microbatch && phases.includes(a.phase)),
    );
    return { device, position };
  };
  const expectPair = (from: number, to: number, microbatch: number, bytes: number | undefined): void => {
    const key = keyOf(from, to, microbatch);
    expected.add(key);
    for (const [kind, stage] of [
      ["send", from],
      ["receive", to],
    ] as const) {
      const found = ends[kind].get(key) ?? [];
      const text = formatStep({ kind, from, to, microbatch });
      if (found.length !== 1)
        v5(
          `${text} does not stand once; got ${found.length} expected 1`,
          found.length > 1 ? "Remove the others" : `Add it ${kind === "send" ? "after" : "before"} the marked action`,
          found[1] ?? actionAt(stage, from < to ? "F" : "IB", microbatch),
        );
      else if (found[0]!.device !== placement[stage])
        v5(
          `${text} stands on the wrong device; got ${found[0]!.device} expected ${placement[stage]}`,
          "Move it",
          found[0],
        );
    }
    const sizes = (["send", "receive"] as const).map((kind) => ends[kind].get(key)?.[0]?.message.bytes);
    if (sizes[0] !== sizes[1] || (bytes !== undefined && sizes[0] !== bytes))
      faults.push({
        invariant: "V14",
        wrong: `the ends of ${key} disagree on its size; got ${sizes[0] ?? "none"} and ${sizes[1] ?? "none"} bytes expected ${bytes ?? "one size"}`,
        advice: "Give both ends the size of the tensor",
        ...placeOf(ends.send.get(key)?.[0]),
      });
  };
  for (const { from, to, forwardBytes, gradBytes } of crossings) {
    if (placement[from] === placement[to]) continue;
    for (let m = 0; m < microbatches; m++) {
      if (replicaOf(schedule, m) !== Math.floor(from / stagesPerReplica(schedule))) continue;
      expectPair(from, to, m, forwardBytes);
      expectPair(to, from, m, gradBytes);
    }
  }
  for (const kind of ["send", "receive"] as const)
    for (const [key, [placed]] of ends[kind])
      if (!expected.has(key))
        v5(
          `${formatStep(placed!.message)} carries nothing; got ${key} expected a tensor that crosses devices`,
          "Remove it",
          placed,
        );
  return faults;
}

/** V4: a tensor is received before the action that reads it and sent after the action that makes it. */
function orderFaults({ schedule, rows, crossings }: LoweredSchedule, ends: Ends): Fault[] {
  const { placement } = schedule;
  const faults: Fault[] = [];
  const late = (action: Action, at: number, kind: "send" | "receive", from: number, to: number): void => {
    const placed = ends[kind].get(keyOf(from, to, action.microbatch))![0]!;
    if (kind === "send" ? placed.position > at : placed.position < at) return;
    const side = kind === "send" ? "before" : "after";
    faults.push({
      invariant: "V4",
      wrong: `${formatStep(placed.message)} stands ${side} ${formatAction(action)}; got position ${placed.position} expected ${kind === "send" ? "more" : "less"} than ${at}`,
      advice: kind === "send" ? "Send what has been made" : "Receive before use",
      device: placed.device,
      position: placed.position,
    });
  };
  const crossing = crossings.filter(({ from, to }) => placement[from] !== placement[to]);
  const outOf = groupBy(crossing, ({ from }) => from);
  const into = groupBy(crossing, ({ to }) => to);
  for (const row of rows)
    row.forEach((step, at) => {
      for (const action of step.kind === "compute" ? step.actions : []) {
        const { stage, phase } = action;
        if (phase === "W") continue;
        for (const { from } of into.get(stage) ?? [])
          if (phase === "F") late(action, at, "receive", from, stage);
          else late(action, at, "send", stage, from);
        for (const { to } of outOf.get(stage) ?? [])
          if (phase === "F") late(action, at, "send", stage, to);
          else late(action, at, "receive", to, stage);
      }
    });
  return faults;
}

/** V6: messages carry no label, so a channel hands its first message to the first receive. */
function channelOrderFaults({ schedule, rows }: LoweredSchedule): Fault[] {
  const { placement } = schedule;
  const sends = new Map<string, Placed[]>();
  const receives = new Map<string, Placed[]>();
  rows.forEach((row, device) =>
    row.forEach((step, position) => {
      if (step.kind !== "send" && step.kind !== "receive") return;
      const channel = `${placement[step.from]}>${placement[step.to]}`;
      add(step.kind === "send" ? sends : receives, channel, { message: step, device, position });
    }),
  );
  return [...sends].flatMap(([channel, sent]): Fault[] => {
    const received = receives.get(channel) ?? [];
    const same = (a: Message, b: Message) => a.from === b.from && a.to === b.to && a.microbatch === b.microbatch;
    const k = sent.findIndex(({ message }, i) => !same(message, received[i]!.message));
    if (k < 0) return [];
    const { message, device, position } = received[k]!;
    const [got, expected] = [formatStep(message), formatStep({ ...sent[k]!.message, kind: "receive" })];
    return [
      {
        invariant: "V6",
        wrong: `channel ${channel} mixes up its messages; got ${got} as receive ${k} expected ${expected}, which is sent as number ${k}`,
        advice: "Receive in the order of the sends",
        device,
        position,
      },
    ];
  });
}
