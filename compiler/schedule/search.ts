/**
 * @file Searches the shortest schedule of a problem: re-times all templates, adds list schedules with random tails,
 * improves the best ones along their critical paths, and stops when the bound is reached or the budget is spent.
 * The same problem, seed and number of evaluations give the same schedule.
 */
import { PipewrightError } from "../errors.js";
import { gapOf, isClosed } from "../gap.js";
import type { Schedule } from "./action.js";
import { boundOf } from "./bound.js";
import { Evaluator } from "./evaluate.js";
import { listSchedule } from "./list-schedule.js";
import { improve } from "./local-search.js";
import type { SchedulingProblem } from "./problem.js";
import { checkProblem } from "./problem.js";
import { CounterRandom } from "./random.js";
import { scheduleOf, taskRows, tasksOf } from "./tasks.js";
import { isAdmitted, templatesFor } from "./templates.js";

/** How long to search, and from which seed. */
export interface SearchOptions {
  /** Default 1. */
  readonly seed?: number;
  /** Most schedules that are timed. Default 200,000. */
  readonly evaluations?: number;
  /** Asked now and then; true ends the search early. The caller holds the clock; the result then depends on it. */
  readonly isTimeUp?: () => boolean;
  /** Further schedules to start from; those that do not fit the memory are left out. Requires: the problem's placement. */
  readonly starts?: readonly Schedule[];
}

/** bound ≤ optimum ≤ makespan; gap = (makespan − bound) / makespan. */
export interface SearchResult {
  readonly schedule: Schedule;
  readonly makespanMs: number;
  readonly boundMs: number;
  readonly gap: number;
  readonly status: "optimal" | "feasible";
  /** Shortest known schedule within the memory; absent if there is none. */
  readonly template?: { readonly name: string; readonly makespanMs: number };
  readonly evaluations: number;
}

/** Random list schedules to start from. */
const LIST_SCHEDULES = 200;
/** Local searches that the budget is split into. The last ones start from the best schedule so far. */
const ROUNDS = 10;
const FROM_BEST = 3;
const EPSILON = 1e-9;

interface Candidate {
  readonly name: string;
  readonly rows: readonly Uint16Array[];
  readonly makespanMs: number;
}

/** @throws PLAN_INFEASIBLE if no candidate fits the memory, USAGE for a problem that contradicts itself. */
export function searchSchedule(problem: SchedulingProblem, options: SearchOptions = {}): SearchResult {
  checkProblem(problem);
  const { seed = 1, evaluations: budget = 200_000, isTimeUp = () => false, starts: given = [] } = options;
  const tasks = tasksOf(problem);
  const { boundMs, tailMs } = boundOf(tasks);
  const random = new CounterRandom(seed);
  const evaluator = new Evaluator(tasks, tailMs);
  const capacity = problem.capacity ?? new Array<number>(problem.devices).fill(Infinity);

  const known = [...given.filter((schedule) => isAdmitted(problem, schedule)), ...templatesFor(problem)];
  const templates = known.map((schedule): Candidate => {
    const rows = taskRows(tasks, schedule);
    return { name: schedule.name, rows, makespanMs: evaluator.run(rows) };
  });
  const lists: Candidate[] = [];
  for (let k = 0; k < LIST_SCHEDULES && !isTimeUp(); k++) {
    const rows = listSchedule(tasks, { capacity, tailMs, noise: k === 0 ? 0 : 0.5 * random.next(), random });
    if (rows) lists.push({ name: "search", rows, makespanMs: evaluator.run(rows) });
  }
  const starts = alternate(templates.sort(byMakespan), lists.sort(byMakespan));
  if (starts.length === 0) refuseMemory(capacity);

  let spent = evaluator.evaluations;
  let best = starts.reduce((a, b) => (b.makespanMs < a.makespanMs ? b : a));
  for (let round = 0; round < ROUNDS && best.makespanMs > boundMs + EPSILON && spent < budget && !isTimeUp(); round++) {
    const start = round >= ROUNDS - FROM_BEST ? best : starts[round % starts.length]!;
    const share = Math.ceil((budget - spent) / (ROUNDS - round));
    let steps = 0;
    const mayGoOn = () => steps++ < share && (steps % 256 !== 0 || !isTimeUp());
    const found = improve(evaluator, start.rows, { capacity, boundMs, random, mayGoOn });
    spent += steps;
    if (found.makespanMs < best.makespanMs - EPSILON) best = { name: "search", ...found };
  }
  const [template] = templates;
  const gap = gapOf(best.makespanMs, boundMs);
  return {
    schedule: scheduleOf(tasks, best.rows, best.name),
    makespanMs: best.makespanMs,
    boundMs,
    gap,
    status: isClosed(gap) ? "optimal" : "feasible",
    ...(template && { template: { name: template.name, makespanMs: template.makespanMs } }),
    evaluations: spent,
  };
}

function byMakespan(a: Candidate, b: Candidate): number {
  return a.makespanMs - b.makespanMs;
}

/** First of a, first of b, second of a, … */
function alternate(a: readonly Candidate[], b: readonly Candidate[]): Candidate[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, k) => [a[k], b[k]])
    .flat()
    .filter((candidate) => candidate !== undefined);
}

function refuseMemory(capacity: readonly number[]): never {
  throw new PipewrightError(
    "PLAN_INFEASIBLE",
    `schedule search: no schedule found within the memory; got capacity ${capacity.join(", ")} expected room for one more microbatch. Give the devices more memory.`,
  );
}
