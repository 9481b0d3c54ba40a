/** @file How to train, as text: losses, optimizers and values of symbolic dimensions. */
import { suggestion } from "../../../compiler/closest.js";
import { PipewrightError } from "../../../compiler/errors.js";
import type { LossSpec } from "../../../compiler/loss/spec.js";
import { parseLoss } from "../../../compiler/loss/spec.js";
import type { OptimizerSpec } from "../../../compiler/plan/plan.js";
import { finiteNumber, oneOf, pairs, unreadable, wholeNumber } from "./text.js";

/** Terms as compiler/loss/spec.ts reads them, joined by ";". The loss is their weighted sum. */
export function parseLosses(text: string): readonly LossSpec[] {
  return text.split(";").map((term) => parseLoss(term.trim()));
}

/** `sgd:lr=0.1,momentum=0.9,weight-decay=1e-4` or `adamw:lr=1e-3,beta1=0.9,beta2=0.999,eps=1e-8,weight-decay=0.01`. */
export function parseOptimizer(text: string): OptimizerSpec {
  const colon = text.indexOf(":");
  const kind = oneOf(colon < 0 ? text : text.slice(0, colon), ["sgd", "adamw"]);
  const settings = colon < 0 ? "" : text.slice(colon + 1);
  const names = kind === "sgd" ? ["lr", "momentum", "weight-decay"] : ["lr", "beta1", "beta2", "eps", "weight-decay"];
  const given = settings === "" ? new Map<string, string>() : known(settings, names, "lr=0.01,weight-decay=0");
  const value = (name: string, fallback: number) => (given.has(name) ? nonNegative(given.get(name)!) : fallback);
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
    learningRate: value("lr", 1e-3),
    beta1: value("beta1", 0.9),
    beta2: value("beta2", 0.999),
    epsilon: value("eps", 1e-8),
    weightDecay: value("weight-decay", 0.01),
  };
}

/** `batch=4,sequence=128`: sizes of symbolic dimensions. */
export function parseBind(text: string): ReadonlyMap<string, number> {
  const size = wholeNumber(1);
  return new Map([...pairs(text, "NAME=SIZE, such as batch=4")].map(([name, value]) => [name, size(value)]));
}

/** `image=1,3,224,224`, several joined by ";": whole shapes of inputs. */
export function parseInputShapes(text: string): ReadonlyMap<string, readonly number[]> {
  const size = wholeNumber(0);
  return new Map(
    text.split(";").map((part) => {
      const equals = part.lastIndexOf("=");
      if (equals < 1) throw unreadable(part, "NAME=SIZES, such as image=1,3,224,224");
      const sizes = part.slice(equals + 1);
      return [part.slice(0, equals).trim(), sizes === "" ? [] : sizes.split(",").map((entry) => size(entry.trim()))];
    }),
  );
}

function known(text: string, names: readonly string[], example: string): ReadonlyMap<string, string> {
  const given = pairs(text, `NAME=VALUE, such as ${example}`);
  for (const name of given.keys()) {
    if (names.includes(name)) continue;
    throw new PipewrightError(
      "USAGE",
      `unknown setting "${name}"; expected ${names.join(", ")}.${suggestion(name, names)}`,
    );
  }
  return given;
}

function nonNegative(text: string): number {
  const number = finiteNumber(text);
  if (number < 0) throw unreadable(text, "a number of at least 0");
  return number;
}
