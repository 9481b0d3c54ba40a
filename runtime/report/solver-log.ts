/** @file What solvers found while a plan was searched, and which of their courses led to which try. */
import type { SearchAttempt, SolverPoint } from "./search-record.js";

/** Most points that are kept of one course. */
const MOST_POINTS = 300;
/** Who moves the ends of stages after the solver, for the step as a whole. */
const DESCENT = "descent on the step";

/** The state of one solver; the same object each time. */
export interface SolverState {
  readonly bottleneckMs: number;
  readonly boundMs: number;
  readonly method: string;
}

/** Courses by the solver that ran them. */
export class SolverLog {
  readonly #courses = new Map<SolverState, SolverPoint[]>();

  /** A solver is nearer to the end, `ms` after the search began. */
  hear(state: SolverState, ms: number): void {
    const { bottleneckMs, boundMs, method } = state;
    const known = bottleneckMs === Infinity ? {} : { bottleneckMs };
    const course = this.#courses.get(state) ?? [];
    this.#courses.set(state, course);
    course.push({ ms, ...known, boundMs, method });
  }

  /**
   * The course that proved the bound of a try, which one cut may share with others, and at its end what became of its
   * partition. Undefined when none was heard.
   */
  courseOf(
    { bottleneckMs, boundMs }: Pick<SearchAttempt, "bottleneckMs" | "boundMs">,
    endMs: number,
  ): readonly SolverPoint[] | undefined {
    if (bottleneckMs === undefined || boundMs === undefined) return undefined;
    const course = [...this.#courses.values()].findLast((points) => points.at(-1)!.boundMs === boundMs);
    if (!course) return undefined;
    const isOther = course.at(-1)!.bottleneckMs !== bottleneckMs;
    return [...thinned(course), ...(isOther ? [{ ms: endMs, bottleneckMs, boundMs, method: DESCENT }] : [])];
  }
}

/** Of parts of equal numbers the first each, and the last of all. */
function thinned(points: readonly SolverPoint[]): readonly SolverPoint[] {
  const step = Math.ceil(points.length / MOST_POINTS);
  return points.filter((_, at) => at % step === 0 || at === points.length - 1);
}
