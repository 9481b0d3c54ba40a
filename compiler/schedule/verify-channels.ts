/**
 * @file V7: can the rows run to their end if every device takes its steps strictly in order? What a send waits for
 * depends on the channel. Since rows are fixed and channels deliver in order, the answer does not depend on times.
 */
import { shortestCircle } from "./circle.js";
import type { Fault } from "./fault.js";
import type { ChannelModel, LoweredSchedule } from "./lower.js";
import { formatStep } from "./step.js";

/** A deadlock with this kind of channel, with the shortest circle of devices, or undefined. Cost: linear. */
export function channelFault(lowered: LoweredSchedule, channels: ChannelModel = lowered.channels): Fault | undefined {
  const run = new ChannelRun(lowered, channels);
  run.toEnd();
  if (run.isDone()) return undefined;
  const circle = shortestCircle(run.waits())!;
  const stands = circle.map((d) => `device ${d} at ${formatStep(run.head(d)!)} waits for device ${run.waits()[d]![0]}`);
  const device = circle[0]!;
  const model = typeof channels === "string" ? channels : `${channels.slots} buffers per channel`;
  return {
    invariant: "V7",
    wrong: `deadlock with ${model}: ${stands.join("; ")}; got a circle expected all rows to end`,
    advice: "Move a receive forward or give the channels more buffers",
    device,
    position: run.next[device]!,
  };
}

/** Fewest buffers per channel without deadlock; 0 if rendezvous will do, undefined if no number helps. */
export function leastSlots(lowered: LoweredSchedule): number | undefined {
  if (channelFault(lowered, "unbounded")) return undefined;
  if (!channelFault(lowered, "rendezvous")) return 0;
  for (let slots = 1; ; slots++) if (!channelFault(lowered, { slots })) return slots;
}

/** Devices take turns until none can go on. */
class ChannelRun {
  readonly next: number[];
  private readonly lowered: LoweredSchedule;
  private readonly slots: number;
  private readonly rendezvous: boolean;
  /** Per channel, messages sent and received so far. */
  private readonly sent = new Map<number, number>();
  private readonly received = new Map<number, number>();

  constructor(lowered: LoweredSchedule, channels: ChannelModel) {
    this.lowered = lowered;
    this.next = lowered.rows.map(() => 0);
    this.rendezvous = channels === "rendezvous";
    this.slots = typeof channels === "string" ? Infinity : channels.slots;
  }

  head(d: number) {
    return this.lowered.rows[d]![this.next[d]!];
  }

  isDone(): boolean {
    return this.next.every((position, d) => position === this.lowered.rows[d]!.length);
  }

  toEnd(): void {
    const ready = this.lowered.rows.map((_, d) => d);
    while (ready.length > 0) {
      const d = ready.pop()!;
      for (let step = this.head(d); step; step = this.head(d)) {
        if (step.kind !== "send" && step.kind !== "receive") {
          this.next[d]!++;
          continue;
        }
        const { channel, peer } = this.channelOf(d)!;
        if (step.kind === "send" && this.rendezvous) {
          if (!this.peerReceives(d, peer)) break;
          this.next[peer]!++;
          this.next[d]!++;
        } else if (step.kind === "send") {
          if (this.countSent(channel) - this.countReceived(channel) >= this.slots) break;
          this.sent.set(channel, this.countSent(channel) + 1);
          this.next[d]!++;
        } else {
          if (this.rendezvous) {
            if (this.peerSends(d, peer)) ready.push(peer);
            break;
          }
          if (this.countReceived(channel) >= this.countSent(channel)) break;
          this.received.set(channel, this.countReceived(channel) + 1);
          this.next[d]!++;
        }
        ready.push(peer);
      }
    }
  }

  /** Per device, the device whose step it waits for. */
  waits(): number[][] {
    return this.next.map((_, d) => {
      const waiting = this.channelOf(d);
      return waiting ? [waiting.peer] : [];
    });
  }

  private channelOf(d: number): { channel: number; peer: number } | undefined {
    const step = this.head(d);
    if (!step || (step.kind !== "send" && step.kind !== "receive")) return undefined;
    const { placement, devices } = this.lowered.schedule;
    const [source, target] = [placement[step.from]!, placement[step.to]!];
    return { channel: source * devices + target, peer: d === source ? target : source };
  }

  private peerReceives(d: number, peer: number): boolean {
    return this.head(peer)?.kind === "receive" && this.channelOf(peer)!.channel === this.channelOf(d)!.channel;
  }

  private peerSends(d: number, peer: number): boolean {
    return this.head(peer)?.kind === "send" && this.channelOf(peer)!.channel === this.channelOf(d)!.channel;
  }

  private countSent(channel: number): number {
    return this.sent.get(channel) ?? 0;
  }

  private countReceived(channel: number): number {
    return this.received.get(channel) ?? 0;
  }
}
