/** @file Optimizers, learning-rate schedules and groups of parameters, as text. */
import { ADAMW } from "../../../compiler/optimizer/adamw.js";
import { suggestion } from "../../../compiler/closest.js";
import { PipewrightError } from "../../../compiler/errors.js";
import type { LearningRateSchedule, OptimizerSpec, ParameterGroup } from "../../../compiler/plan/plan.js";
import { finiteNumber, oneOf, pairs, unreadable, wholeNumber } from "./text.js";

type Settings = ReadonlyMap<string, string>;

/** Setting names that DeepSpeed's users know, by the spelling that `plain` gives. */
const ALIASES: Readonly<Record<string, string>> = {
  warmupnumsteps: "warmup",
  totalnumsteps: "total",
  warmupminratio: "warmup-start",
  cosminratio: "min",
};

/** `sgd:lr=0.1,momentum=0.9,weight-decay=1e-4` or `adamw:lr=1e-3,beta1=0.9,beta2=0.999,eps=1e-8,weight-decay=0.01`. */
export function parseOptimizer(text: string): OptimizerSpec {
  const { kind, settings } = kindAndSettings(text, ["sgd", "adamw"]);
  const names = kind === "sgd" ? ["lr", "momentum", "weight-decay"] : ["lr", "beta1", "beta2", "eps", "weight-decay"];
  const given = known(settings, names, "lr=0.01,weight-decay=0");
  const value = (name: string, fallback: number) => numberOf(given, name, fallback);
  if (kind === "sgd") {
    return {
      kind,
      learningRate: value("lr", 0.01),
      momentum: value("momentum", 0),
      weightDecay: value("weight-decay", 0),
    };
  }
  return {
    kind,
    learningRate: value("lr", ADAMW.learningRate),
    beta1: value("beta1", ADAMW.beta1),
    beta2: value("beta2", ADAMW.beta2),
    epsilon: value("eps", ADAMW.epsilon),
    weightDecay: value("weight-decay", ADAMW.weightDecay),
  };
}

/**
 * `cosine:warmup=100,total=2000,min=0.1,warmup-start=0`: kind and settings of a learning-rate schedule. Without `total`
 * it ends with the training.
 */
export function parseLearningRate(text: string): LearningRateSchedule {
  const { kind, settings } = kindAndSettings(text, ["constant", "linear", "cosine"]);
  const names = kind === "constant" ? ["warmup", "warmup-start"] : ["warmup", "warmup-start", "total", "min"];
  const given = known(settings, names, "warmup=100,total=2000");
  const total = given.get("total");
  const schedule = {
    kind,
    warmupSteps: wholeNumber(0)(given.get("warmup") ?? "0"),
    warmupStart: numberOf(given, "warmup-start", 0),
    ...(total === undefined ? {} : { totalSteps: wholeNumber(1)(total) }),
    floor: numberOf(given, "min", 0),
  };
  if (schedule.totalSteps !== undefined) checkEnd(schedule.warmupSteps, schedule.totalSteps);
  return schedule;
}

/** @throws USAGE when a schedule ends before its warm-up does. */
export function checkEnd(warmupSteps: number, totalSteps: number): void {
  if (warmupSteps < totalSteps) return;
  throw new PipewrightError(
    "USAGE",
    `the warm-up leaves no step; got warmup=${warmupSteps} and total=${totalSteps}, expected a larger total.`,
  );
}

/** `*.bias,@vectors:weight-decay=0;head.*:lr-scale=10`: patterns and settings of each group, joined by ";". */
export function parseParameterGroups(text: string): readonly ParameterGroup[] {
  return text.split(";").map((part) => {
    const colon = part.lastIndexOf(":");
    const parameters = part
      .slice(0, colon)
      .split(",")
      .map((pattern) => pattern.trim());
    if (colon < 1 || parameters.includes(""))
      throw unreadable(part, "PATTERNS:SETTINGS, such as *.bias:weight-decay=0");
    const given = known(part.slice(colon + 1), ["weight-decay", "lr-scale"], "weight-decay=0,lr-scale=0.1");
    return {
      parameters,
      ...(given.has("weight-decay") ? { weightDecay: numberOf(given, "weight-decay", 0) } : {}),
      ...(given.has("lr-scale") ? { learningRateScale: numberOf(given, "lr-scale", 1) } : {}),
    };
  });
}

/** A number above 0. */
export function parsePositive(text: string): number {
  const number = Number(text);
  if (number > 0 && number < Infinity) return number;
  throw unreadable(text, "a number above 0");
}

/** "KIND:a=1,b=2", or "kind=KIND,a=1,b=2" as maps of configuration files give it. */
function kindAndSettings<T extends string>(
  text: string,
  kinds: readonly T[],
): { readonly kind: T; readonly settings: string } {
  const [first = "", ...rest] = text.split(",");
  const named = /^\s*(?:kind|type)\s*=\s*(.*)$/.exec(first);
  if (named) return { kind: oneOf(named[1]!.trim(), kinds), settings: rest.join(",") };
  const colon = text.indexOf(":");
  const kind = oneOf(colon < 0 ? text : text.slice(0, colon), kinds);
  return { kind, settings: colon < 0 ? "" : text.slice(colon + 1) };
}

/** The settings by their own names, in whatever spelling they were given. */
function known(text: string, names: readonly string[], example: string): Settings {
  const plain = (name: string): string => name.toLowerCase().replace(/[-_]/g, "");
  const byPlain = new Map(names.map((name) => [plain(name), name]));
  const given = new Map<string, string>();
  for (const [name, value] of text === "" ? [] : pairs(text, `NAME=VALUE, such as ${example}`)) {
    const alias = ALIASES[plain(name)];
    const found = byPlain.get(plain(name)) ?? (alias && names.includes(alias) ? alias : undefined);
    if (found === undefined) {
      throw new PipewrightError(
        "USAGE",
        `unknown setting "${name}"; expected ${names.join(", ")}.${suggestion(name, names)}`,
      );
    }
    if (given.has(found)) throw new PipewrightError("USAGE", `"${found}" is given twice; expected it once.`);
    given.set(found, value);
  }
  return given;
}

function numberOf(given: Settings, name: string, fallback: number): number {
  const text = given.get(name);
  if (text === undefined) return fallback;
  const number = finiteNumber(text);
  if (number < 0) throw unreadable(text, "a number of at least 0");
  return number;
}
