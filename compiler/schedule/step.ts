/** @file The instructions of a device once messages and collectives are spelled out. Text form: PyTorch's. */
import type { Action } from "./action.js";
import { formatAction } from "./action.js";

/** One action, or an overlapped pair. */
export interface Compute {
  readonly kind: "compute";
  readonly actions: readonly Action[];
}

/** One tensor set from stage `from` to stage `to`: activations if it goes along the data flow, else gradients. */
export interface Message {
  readonly kind: "send" | "receive";
  readonly from: number;
  readonly to: number;
  readonly microbatch: number;
  /** Size, if known; both ends must agree. */
  readonly bytes?: number;
}

/** gather, release: the parameters of a sharded stage. reduce: its gradients are complete. */
export interface StageStep {
  readonly kind: "gather" | "release" | "reduce";
  readonly stage: number;
}

/** The gradients of weights that several stages share are summed over their devices. */
export interface TiedReduce {
  readonly kind: "tied-reduce";
  /** Index into `LoweredSchedule.tied`. */
  readonly group: number;
}

/** The optimizer updates all parameters of the device. */
export interface Update {
  readonly kind: "update";
}

/** One instruction of a device. */
export type Step = Compute | Message | StageStep | TiedReduce | Update;

const STAGE_WORD = { gather: "UNSHARD", release: "RESHARD", reduce: "REDUCE_GRAD" } as const;

/**
 * "2F0", "(0F5;7B0)OVERLAP_F_B", "1SEND_F3" (stage of the sender), "2RECV_F3" (stage of the receiver), "0REDUCE_GRAD";
 * between stages that are no neighbours "1SEND_F3>4"; "TIED_REDUCE0" and "UPDATE" are ours.
 */
export function formatStep(step: Step): string {
  switch (step.kind) {
    case "compute":
      return step.actions.length === 1
        ? formatAction(step.actions[0]!)
        : `(${step.actions.map(formatAction).join(";")})OVERLAP_F_B`;
    case "send":
    case "receive": {
      const { from, to, microbatch } = step;
      const word = `${step.kind === "send" ? "SEND" : "RECV"}_${from < to ? "F" : "B"}`;
      const far = Math.abs(from - to) === 1 ? "" : `>${step.kind === "send" ? to : from}`;
      return `${step.kind === "send" ? from : to}${word}${microbatch}${far}`;
    }
    case "tied-reduce":
      return `TIED_REDUCE${step.group}`;
    case "update":
      return "UPDATE";
    default:
      return `${step.stage}${STAGE_WORD[step.kind]}`;
  }
}

/** Reads what PyTorch writes; undefined for any other text, also if only its beginning is right. */
export function parseStep(text: string): Step | undefined {
  const compute = /^(\d+)([FBIW])(\d+)$/.exec(text);
  if (compute) return { kind: "compute", actions: [toAction(compute)] };
  const pair = /^\((\d+[FBIW]\d+(?:;\d+[FBIW]\d+)*)\)OVERLAP_F_B$/.exec(text);
  if (pair) {
    const parts = pair[1]!.split(";").map((part) => /^(\d+)([FBIW])(\d+)$/.exec(part)!);
    return { kind: "compute", actions: parts.map(toAction) };
  }
  const message = /^(\d+)(SEND|RECV)_([FB])(\d+)$/.exec(text);
  if (message) {
    const stage = Number(message[1]);
    const step = message[3] === "F" ? 1 : -1;
    const microbatch = Number(message[4]);
    return message[2] === "SEND"
      ? { kind: "send", from: stage, to: stage + step, microbatch }
      : { kind: "receive", from: stage - step, to: stage, microbatch };
  }
  const other = /^(\d+)(UNSHARD|RESHARD|REDUCE_GRAD)$/.exec(text);
  if (!other) return undefined;
  const kind = (["gather", "release", "reduce"] as const).find((word) => STAGE_WORD[word] === other[2])!;
  return { kind, stage: Number(other[1]) };
}

function toAction(match: RegExpExecArray): Action {
  return { stage: Number(match[1]), phase: match[2] as Action["phase"], microbatch: Number(match[3]) };
}
