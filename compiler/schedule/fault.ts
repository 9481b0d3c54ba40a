/** @file What is wrong with a schedule, and how the error about it looks. */
import { PipewrightError } from "../errors.js";
import { printRows } from "./print.js";

/**
 * The rules that a schedule must keep. V1 cells are actions. V2 stages, microbatches and devices exist and fit. V3 every
 * action exactly once. V4 nothing before what it waits for. V5 one send and one receive per tensor that crosses. V6
 * a channel delivers in the order of its sends. V7 no deadlock. V8 a receive buffer is not filled again before it was
 * read. V9 memory. V10 a stage's gradients are reduced after its last W or B. V11 all owners of tied weights reduce
 * them. V12 collectives in one order everywhere. V13 results in the order in which the engine counts them. V14 both
 * ends agree on sizes. V15 the update comes last.
 */
export type Invariant =
  "V1" | "V2" | "V3" | "V4" | "V5" | "V6" | "V7" | "V8" | "V9" | "V10" | "V11" | "V12" | "V13" | "V14" | "V15";

/** One broken rule. `wrong` has the form "what is wrong; got … expected …", `advice` says what to do. */
export interface Fault {
  readonly invariant: Invariant;
  readonly wrong: string;
  readonly advice: string;
  /** First bad cell: position in the row of a device. */
  readonly device?: number;
  readonly position?: number;
}

/** The surroundings of the bad cell with an arrow under it, after a line break; empty if no cell is to blame. */
export function faultGrid(rows: readonly (readonly string[])[], { device, position }: Fault): string {
  return device !== undefined && position !== undefined ? `\n${printRows(rows, { device, position })}` : "";
}

/** @throws SCHEDULE_INVALID with the grid and an arrow under the bad cell. */
export function throwFault(name: string, rows: readonly (readonly string[])[], fault: Fault): never {
  const { invariant, wrong, advice, device, position } = fault;
  throw new PipewrightError("SCHEDULE_INVALID", `schedule ${name}: ${wrong}. ${advice}.${faultGrid(rows, fault)}`, {
    schedule: name,
    invariant,
    ...(device !== undefined && { device }),
    ...(position !== undefined && { position }),
  });
}
