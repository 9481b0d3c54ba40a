/** @file `inspect`: what a model holds, what it still needs to be told, and what of it cannot be trained. */
import type { Differentiated } from "../../../compiler/autodiff/differentiated.js";
import { PipewrightError } from "../../../compiler/errors.js";
import type { Graph, ValueId } from "../../../compiler/ir/graph.js";
import { elementCount, isFloat, tensorBytes } from "../../../compiler/ir/literal.js";
import { formatType } from "../../../compiler/ir/print.js";
import { oneLine, plainName } from "../../../compiler/names.js";
import type { ModelProto } from "../../../compiler/onnx/proto.js";
import { parameterElements } from "../../../compiler/plan/link.js";
import { OPS } from "../../../compiler/ops/registry.js";
import { trainingGraph } from "../../../compiler/training.js";
import type { LoadedModel } from "../../model-file.js";
import { readModelProto } from "../../model-file.js";
import type { CommandBody, Context, Outcome } from "../command.js";
import type { FlagValues } from "../flags.js";
import { limitsOf, loadAsAsked } from "../read-model.js";
import { trainingChoices } from "../training-flags.js";
import { formatBytes, formatCount } from "../../report/format.js";
import { modelPrecision, precisionJson, precisionNotes } from "../render/precision.js";
import type { Fact } from "../render/table.js";
import { renderList, renderTable, wrap } from "../render/table.js";

/** Parameter, its gradient, and the two moments of AdamW. */
const TENSORS_PER_PARAMETER = 4;

/** Nodes of one operator, and why gradients do not pass it. */
interface OperatorCount {
  readonly op: string;
  readonly nodes: number;
  /** Undefined: it has a gradient. */
  readonly noGradient?: string;
}

/** Exit code 0 for every readable model; unbound dimensions and missing gradients are findings, not errors. */
export const inspect: CommandBody = async (context, path, flags) => {
  let model: LoadedModel;
  try {
    ({ model } = await loadAsAsked(context.env, path, flags));
  } catch (error) {
    if (!(error instanceof PipewrightError) || error.code !== "DIM_UNBOUND") throw error;
    return describeUnbound(context, path, await readModelProto(context.env, path, limitsOf(flags)), error);
  }
  return describe(context, path, model, flags);
};

/** What can be said before shapes are known. */
function describeUnbound({ columns }: Context, path: string, { graph }: ModelProto, error: PipewrightError): Outcome {
  const counts = new Map<string, number>();
  for (const { op_type: op } of graph?.node ?? []) counts.set(op, (counts.get(op) ?? 0) + 1);
  const operators = [...counts].map(([op, nodes]) => ({ op, nodes })).sort((a, b) => b.nodes - a.nodes);
  const unboundDims = error.details.dims ?? [];
  const json = { model: path, nodes: graph?.node?.length ?? 0, unboundDims, message: error.message, operators };
  const table = renderTable(
    [{ title: "operator" }, { title: "nodes", align: "right" }],
    operators.map(({ op, nodes }) => [op, String(nodes)]),
    columns,
  );
  return { json, text: `${path}: ${json.nodes} nodes\n${error.message}\n\n${table}` };
}

function describe({ columns }: Context, path: string, model: LoadedModel, flags: FlagValues): Outcome {
  const { graph, opset } = model;
  const precision = modelPrecision(model);
  const runningStatistics = graph.states.reduce((sum, { param }) => sum + elementCount(param.type.shape), 0);
  const parameters = parameterElements(graph) - runningStatistics;
  const operators = countOperators(graph);
  const training = flags.loss ? tryTraining(graph, flags) : undefined;
  const trainBytes = graph.params.reduce(
    (sum, { type }) => sum + tensorBytes(type) * (isFloat(type.dtype) ? TENSORS_PER_PARAMETER : 1),
    0,
  );
  const stash = training?.differentiated && stashBytes(training.differentiated);
  const types = (values: Graph["inputs"]) => values.map(({ name, type }) => ({ name, type: formatType(type) }));
  const json = {
    model: path,
    name: graph.name,
    opset,
    nodes: graph.nodes.length,
    parameters,
    runningStatistics,
    parameterBytes: graph.params.reduce((sum, { type }) => sum + tensorBytes(type), 0),
    inputs: types(graph.inputs),
    outputs: types(graph.outputs),
    unboundDims: [],
    ...precisionJson(precision),
    constants: model.constants,
    external: model.external,
    operators,
    trainable: training ? { ok: training.problem === undefined, problem: training.problem ?? null } : null,
    memory: { trainBytes, stashBytesPerMicrobatch: stash ?? null },
  };
  const table = renderTable(
    [{ title: "operator" }, { title: "nodes", align: "right" }, { title: "gradient", flexible: true }],
    operators.map(({ op, nodes, noGradient }) => [op, String(nodes), noGradient ?? "yes"]),
    columns,
  );
  const list = (values: readonly { readonly name: string; readonly type: string }[]) =>
    values.map(({ name, type }) => `${plainName(name)} ${type}`).join(", ");
  const title = `${path}: ${json.nodes} nodes, ${formatCount(parameters)} parameters (${formatBytes(json.parameterBytes)}${runningStatistics > 0 ? " with running statistics" : ""}), opset ${opset}`;
  const notes = [...precisionNotes(precision), ...constantsNote(model.constants), ...externalNote(model.external)];
  const stashed = stash === undefined ? "" : `, ${formatBytes(stash)} stashed per microbatch`;
  const facts: readonly Fact[] = [
    ["inputs", list(json.inputs)],
    ["outputs", list(json.outputs)],
    ...notes.map((note) => ["note", note] as const),
    ["memory", `${formatBytes(trainBytes)} for parameters, gradients and AdamW${stashed}`],
  ];
  const lines = [
    ...wrap(title, columns),
    renderList(facts, columns),
    table.trimEnd(),
    "",
    ...(training?.problem === undefined ? [] : [training.problem, ""]),
    flags.loss && training?.problem === undefined
      ? "next: pipewright partition with the same --loss"
      : `next: pipewright inspect ${path} --loss ${lossHint(graph)}${flags.bind ? " with the same --bind" : ""}`,
  ];
  return { json, text: `${lines.join("\n")}\n` };
}

/** A loss to try: classes where the last axis has several, a number otherwise. */
function lossHint({ outputs }: Graph): string {
  const output = outputs.find(({ type }) => isFloat(type.dtype));
  if (!output) return "KIND:OUTPUT=TARGET";
  const { shape } = output.type;
  if (shape.length === 0) return `output:${oneLine(output.name)}`;
  return shape.at(-1)! > 1
    ? `softmax-cross-entropy:${oneLine(output.name)}=labels`
    : `mse:${oneLine(output.name)}=target`;
}

/** Names that the text lists; `--json` has all. */
const LISTED_CONSTANTS = 5;

/** Constants that look like weights and do not train. */
function constantsNote(constants: readonly string[]): readonly string[] {
  if (constants.length === 0) return [];
  const more = constants.length > LISTED_CONSTANTS ? ", …" : "";
  const names = `${constants.slice(0, LISTED_CONSTANTS).map(plainName).join(", ")}${more}`;
  return [`constants that do not train, though they stand where weights do (${constants.length}): ${names}`];
}

/** Files that the model's weights are in, and those whose checksum nobody has looked at yet. */
function externalNote(external: LoadedModel["external"]): readonly string[] {
  if (external.length === 0) return [];
  const bytes = external.reduce((sum, file) => sum + file.bytes, 0);
  const unread = external.filter(({ checksum }) => checksum === "unread").length;
  const later = unread === 0 ? "" : `; the checksum of ${unread} is checked when weights are read`;
  return [`external data: ${external.length} file${external.length === 1 ? "" : "s"}, ${formatBytes(bytes)}${later}`];
}

function countOperators(graph: Graph): readonly OperatorCount[] {
  const counts = new Map<string, OperatorCount>();
  for (const { op } of graph.nodes) {
    const rule: object = OPS[op].grad;
    const why = "missing" in rule ? String(rule.missing) : "none" in rule ? `none: ${String(rule.none)}` : undefined;
    const before = counts.get(op)?.nodes ?? 0;
    counts.set(op, { op, nodes: before + 1, ...(why === undefined ? {} : { noGradient: why }) });
  }
  return [...counts.values()].sort((a, b) => b.nodes - a.nodes || (a.op < b.op ? -1 : 1));
}

/** Differentiates for the loss that was asked for; what stands against it is a finding. */
function tryTraining(
  graph: Graph,
  flags: FlagValues,
): { readonly differentiated?: Differentiated; readonly problem?: string } {
  try {
    return trainingGraph(graph, OPS, { loss: flags.loss ?? [], ...trainingChoices(flags) });
  } catch (error) {
    if (error instanceof PipewrightError && error.code === "MODEL_UNSUPPORTED") return { problem: error.message };
    throw error;
  }
}

/** Bytes of the forward values that backward nodes read again. */
function stashBytes({ graph, phase }: Differentiated): number {
  const made = new Set<ValueId>();
  const kept = new Map<ValueId, number>();
  for (const node of graph.nodes) {
    const forward = phase.get(node.id) === "F";
    for (const value of node.outputs) if (value && forward) made.add(value.id);
    if (forward) continue;
    for (const value of node.inputs) if (value && made.has(value.id)) kept.set(value.id, tensorBytes(value.type));
  }
  return [...kept.values()].reduce((sum, bytes) => sum + bytes, 0);
}
