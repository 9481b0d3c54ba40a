/**
 * @file What is wrong with a model whatever sizes its symbolic dims get. Nothing of a graph can be inferred before the
 * dims have sizes, so sizes are tried: a fault that they have no part in is the model's own.
 */
import { PipewrightError } from "../errors.js";

/** Imports the model with these sizes. */
type Attempt = (bind: Readonly<Record<string, number>>) => unknown;

/** Two sets of sizes that hardly a model has by itself, so that a message shows where it got a number from. */
const SIZES = [
  [211, 223, 227, 229, 233, 239, 241],
  [307, 311, 313, 317, 331, 337, 347],
] as const;
/** Sizes out of the message that are tried too, each for all dims at once. */
const MOST_TRIES = 6;
/** A size that most others divide, for faults such as one of columns that do not form so many heads. */
const DIVISIBLE = "5040";
/** No axis of a model that anybody trains is longer. */
const LARGEST = 2 ** 24;
const NUMBER = /\d+/g;

/**
 * The error that every size gives; undefined when some size may do. A fault counts when it reads the same for two sets
 * of sizes but for the sizes themselves, and stays when the dims get a size that the message compares with.
 */
export function faultOfAnySize(dims: readonly string[], attempt: Attempt): PipewrightError | undefined {
  const bindings = SIZES.map((sizes) => Object.fromEntries(dims.map((dim, at) => [dim, sizes[at % sizes.length]!])));
  const errors = bindings.map((bind) => errorOf(() => attempt(bind)));
  const [first, second] = errors.map((error, at) => error && withNames(error, bindings[at]!));
  if (!first || !second || first.code !== second.code || first.message !== second.message) return undefined;
  const dividing = first.message === errors[0]!.message ? [] : [DIVISIBLE];
  const named = (first.message.match(NUMBER) ?? []).filter((number) => Number(number) <= LARGEST);
  const others = new Set(["1", ...dividing, ...named.slice(0, MOST_TRIES)]);
  for (const size of others) {
    const error = errorOf(() => attempt(Object.fromEntries(dims.map((dim) => [dim, Number(size)]))));
    if (error?.code !== first.code || kindOf(error) !== kindOf(errors[0]!)) return undefined;
  }
  return first;
}

function errorOf(work: () => unknown): PipewrightError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof PipewrightError) return error;
    throw error;
  }
}

/** The error with dims named where their sizes stand. */
function withNames(
  { code, message, details }: PipewrightError,
  bind: Readonly<Record<string, number>>,
): PipewrightError {
  const names = new Map(Object.entries(bind).map(([dim, size]) => [String(size), dim]));
  return new PipewrightError(
    code,
    message.replace(NUMBER, (number) => names.get(number) ?? number),
    details,
  );
}

function kindOf({ message }: PipewrightError): string {
  return message.replace(NUMBER, "");
}
