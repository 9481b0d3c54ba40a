/** @file What becomes of each operator: how it is imported, where its shapes come from, and whether gradients pass it. */
import { DECOMPOSITIONS, SIMPLIFICATIONS } from "../../compiler/onnx/decompose/table.js";
import { COMPILE_TIME_INPUTS } from "../../compiler/onnx/positions.js";
import type { RefusedForm } from "../../compiler/onnx/refused-forms.js";
import { REFUSED_FORMS } from "../../compiler/onnx/refused-forms.js";
import { STRUCTURAL } from "../../compiler/onnx/structural/table.js";
import { REFUSALS } from "../../compiler/onnx/unsupported.js";
import { UPGRADES } from "../../compiler/onnx/upgrade/table.js";
import type { OpDef } from "../../compiler/ops/define.js";
import { OPS } from "../../compiler/ops/registry.js";
import type { OpType } from "../../compiler/ops/types.js";

/** One row of the table. */
export interface OperatorFeatures {
  readonly op: string;
  readonly import: string;
  readonly shape: string;
  readonly gradient: string;
}

/** Names that an old operator set gave to an operator of today. */
const RENAMED: Readonly<Record<string, OpType>> = { Scatter: "ScatterElements", Upsample: "Resize" };

/** The row of an operator of ai.onnx, or of "domain.Operator". */
export function featuresOf(op: string): OperatorFeatures {
  const own = definitionOf(op);
  if (own)
    return {
      op,
      import: importOf(op, own),
      shape: own.def.fold ? "rule, folds" : "rule",
      gradient: gradientOf(own.def),
    };
  if (STRUCTURAL.has(op))
    return { op, import: "resolved", shape: "from what it becomes", gradient: "through what it becomes" };
  if (DECOMPOSITIONS.has(op)) return { op, import: "decomposed", shape: "of its parts", gradient: "of its parts" };
  return { op, import: `no: ${REFUSALS.get(op) ?? "not known"}`, shape: "no", gradient: "no" };
}

/** Forms of an imported operator that are refused: inputs that must be known at compile time, then others with reasons. */
export function refusedForms(op: string, inputs: Readonly<Record<string, readonly string[]>>): string {
  const name = RENAMED[op] ?? op;
  const known = (COMPILE_TIME_INPUTS.get(name) ?? []).flatMap((position) => inputs[name]?.[position] ?? []);
  const own = known.filter((input) => inputs[op]!.includes(input));
  const fed = own.length > 0 ? [`fed: ${own.map((name) => `\`${name}\``).join(", ")}`] : [];
  const table: Readonly<Record<string, Readonly<Record<string, RefusedForm>>>> = REFUSED_FORMS;
  return [...fed, ...Object.values(table[op] ?? {}).map(([what, why]) => `${what}: ${why}`)].join("; ");
}

/** Operators of other domains that are imported, as "domain.Operator". */
export function foreignOperators(): readonly string[] {
  return [...DECOMPOSITIONS.keys()].filter((key) => key.includes(".")).sort();
}

interface Definition {
  readonly name: OpType;
  readonly def: OpDef<OpType>;
}

function definitionOf(op: string): Definition | undefined {
  const name = RENAMED[op] ?? (Object.hasOwn(OPS, op) ? (op as OpType) : undefined);
  return name && { name, def: OPS[name] as OpDef<OpType> };
}

function importOf(op: string, { name, def }: Definition): string {
  const rules = UPGRADES.get(op) ?? [];
  const olds = rules.map(({ until }) => until).filter(Number.isFinite);
  const forms = [
    name === op ? "as it is" : `as ${name}`,
    ...(olds.length > 0 ? [`rewritten below opset ${[...new Set(olds)].join(" and ")}`] : []),
    ...(SIMPLIFICATIONS.has(op) ? ["some forms decomposed"] : []),
    ...(def.draw ? ["random bits from a counter"] : []),
  ];
  return forms.join(", ");
}

function gradientOf({ grad }: OpDef<OpType>): string {
  if (typeof grad === "function") return "rule";
  return "none" in grad ? `none: ${grad.none}` : `no: ${grad.missing}`;
}
