/**
 * @file From all forward passes running again down to as few as memory asks for, with the stages as they are. Goes by
 * what linked plans hold, since the partitioner's count of what running again saves is rough.
 */
import { againOffers, stagesByDevice } from "../partition/evaluate.js";
import type { PartitionProblem } from "../partition/problem.js";
import { againChoices } from "../partition/recompute-choice.js";
import type { Sized } from "./fit-memory.js";
import { needing } from "./placed-cut.js";

/**
 * The plan in which, device by device, least runs again.
 * Requires: `most` keeps the limits and has everything run again; `problem` lets the limits decide; `link` makes the plan
 * of the same cut under other limits. Ensures: the result keeps the limits. Cost: a plan for each halving of the choices
 * of a device.
 */
export async function lessAgain<T extends Sized>(
  problem: PartitionProblem,
  stageOf: readonly number[],
  limits: readonly (number | undefined)[],
  most: T,
  link: (problem: PartitionProblem) => Promise<T>,
): Promise<T> {
  const keeps = ({ heldBytes }: T): boolean =>
    heldBytes.every((bytes, device) => bytes <= (limits[device] ?? Infinity));
  const offers = againOffers(problem, stageOf);
  const choices = new Map(
    stagesByDevice(problem).map((own) => [
      problem.stages[own[0]!]!.device!,
      againChoices(offers.filter(({ block }) => own.includes(stageOf[block]!))),
    ]),
  );
  const needed = limits.map((_, device) => choices.get(device)?.at(-1)?.neededBytes ?? 0);
  let best = most;
  for (const [device, own] of choices) {
    let [low, high] = [0, own.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      const next = await link(needing(problem, stageOf, needed.with(device, own[middle]!.neededBytes)));
      if (keeps(next)) [high, best] = [middle, next];
      else low = middle + 1;
    }
    needed[device] = own[high]!.neededBytes;
  }
  return best;
}
