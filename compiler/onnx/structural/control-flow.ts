/** @file If with a known condition, Loop and Scan with a known trip count: branches are taken, loops are unrolled. */
import { listed } from "../../ir/listed.js";
import { PipewrightError } from "../../errors.js";
import type { Literal, Value } from "../../ir/graph.js";
import { allocateElements, elementCount, hasPlainNumbers, literalNumbers, literalOf } from "../../ir/literal.js";
import type { Emitter } from "../../ops/define.js";
import { normalizeAxis } from "../../ops/shape.js";
import { concatenated, expanded, scalarOf } from "../decompose/emission.js";
import { dtypeOf } from "../dtype.js";
import { overLimit } from "../limits.js";
import type { CallSite, Lowering } from "../lowering.js";
import { describe, nodeName } from "../order.js";
import { trainingDType } from "../precision.js";
import type { GraphProto } from "../proto.js";
import { has, numberOf } from "../proto.js";
import type { Bound, Scope } from "../scope.js";
import { isTensor, isUnknown, UNKNOWN } from "../scope.js";
import { REFUSED_FORMS, refusedForm } from "../refused-forms.js";
import type { Handler } from "./handler.js";
import {
  boundInput,
  constantNumber,
  constantTruth,
  malformedSite,
  siteGraph,
  siteNumber,
  siteNumbers,
  tensorInput,
} from "./handler.js";
import { leastLoopNodes, leastNodes } from "./loop-count.js";
import { stack, unstack } from "./slices.js";

const branch: Handler = (lowering, site) => {
  const condition = constantTruth(lowering, site, 0);
  if (condition === undefined) throw malformedSite(site, "it has no condition");
  const [whenTrue, whenFalse] = [siteGraph(lowering, site, "then_branch"), siteGraph(lowering, site, "else_branch")];
  const counts = [whenTrue, whenFalse].map(({ output }) => output?.length ?? 0);
  if (counts[0] !== counts[1])
    throw malformedSite(site, `its branches have different numbers of outputs; got ${counts.join(" and ")}`);
  return lowering.lowerInner(condition ? whenTrue : whenFalse, innerScope(site, ""));
};

/**
 * Loop: inputs trip count, condition, carried values; body inputs iteration, condition, carried values; body outputs
 * condition, carried values, one slice of each collected output.
 */
const loop: Handler = (lowering, site) => {
  const body = siteGraph(lowering, site, "body");
  const trips = constantNumber(lowering, site, 0) ?? Infinity;
  let running = constantTruth(lowering, site, 1) ?? true;
  lowering.expectNodes(leastLoopNodes(site.node, (name) => numberNamed(lowering, site, name)));
  let carried: readonly Bound[] = site.inputs.slice(2).map((_, position) => boundInput(site, position + 2));
  const collected: Value[][] = (body.output ?? []).slice(1 + carried.length).map(() => []);
  const condition = lowering.emitter.literal(literalOf("bool", scalarShape(body, 1), [1]));
  for (let trip = 0; running && trip < trips; trip++) {
    if (trip > lowering.limits.expandedNodes)
      throw overLimit("expandedNodes", `iterations of ${describe(site.node)}`, trip, lowering.limits.expandedNodes);
    const counter = lowering.emitter.literal(literalOf("int64", scalarShape(body, 0), [trip]));
    const outputs = lowerStep(lowering, site, body, [counter, condition, ...carried], trip);
    if (outputs.some(isUnknown)) return (body.output ?? []).slice(1).map(() => UNKNOWN);
    running = isTrue(lowering, outputs[0]!, trip);
    carried = outputs.slice(1, 1 + carried.length);
    for (const [position, bound] of outputs.slice(1 + carried.length).entries())
      collected[position]!.push(tensorOf(bound));
  }
  return [
    ...carried,
    ...collected.map((slices, position) => stackOrEmpty(lowering, slices, 0, body, 1 + carried.length + position)),
  ];
};

/** The one number that a name stands for here, if it is known without folding anything. */
function numberNamed({ emitter }: Lowering, { scope }: CallSite, name: string): number | undefined {
  const bound = scope.lookup(name);
  const literal = bound && isTensor(bound) ? emitter.constant(bound) : undefined;
  return literal && elementCount(literal.shape) === 1 && hasPlainNumbers(literal.dtype)
    ? literalNumbers(literal)[0]
    : undefined;
}

/** Some exporters declare the counter and the condition with one axis; a body that says so gets them so. */
function scalarShape(body: GraphProto, position: number): readonly number[] {
  return body.input?.[position]?.type?.tensor_type?.shape?.dim?.length === 1 ? [1] : [];
}

function isTrue(lowering: Lowering, bound: Bound, trip: number): boolean {
  const literal = lowering.emitter.constant(tensorOf(bound));
  if (literal) return literalNumbers(literal)[0] !== 0;
  throw refusedForm(REFUSED_FORMS.Loop.unknownEnd, `one after iteration ${trip}`);
}

/** A list of one number for each scanned tensor, zeros when it is left out. Directions are 0 or 1. */
function perScanned(lowering: Lowering, site: CallSite, name: string, length: number): readonly number[] {
  const given = siteNumbers(lowering, site, name) ?? [];
  const isWrong = (number: number): boolean => name.endsWith("directions") && number !== 0 && number !== 1;
  if (given.length === 0) return listed(length, () => 0);
  if (given.length === length && !given.some(isWrong)) return given;
  const expected = name.endsWith("directions") ? `${length} of 0 or 1` : `${length} numbers`;
  throw malformedSite(site, `attribute "${name}" is wrong; got [${given.join(",")}], expected ${expected}`);
}

/** Scan: inputs states, then tensors to walk along; body outputs states, then one slice of each result. */
const scan: Handler = (lowering, site) => {
  if ((site.scope.opsets.get("") ?? 1) < 9) return batchedScan(lowering, site);
  const body = siteGraph(lowering, site, "body");
  const walked = siteNumber(lowering, site, "num_scan_inputs", -1);
  const states = site.inputs.length - walked;
  if (walked < 1 || states < 0) throw malformedSite(site, `attribute "num_scan_inputs" is wrong; got ${walked}`);
  const results = (body.output?.length ?? 0) - states;
  const list = (name: string, length: number) => perScanned(lowering, site, name, length);
  const [inputAxes, inputBack] = [list("scan_input_axes", walked), list("scan_input_directions", walked)];
  const [outputAxes, outputBack] = [list("scan_output_axes", results), list("scan_output_directions", results)];
  const axes = listed(walked, (position) =>
    normalizeAxis(inputAxes[position]!, tensorInput(site, states + position).type.shape.length),
  );
  const sizes = axes.map((axis, position) => tensorInput(site, states + position).type.shape[axis]!);
  const trips = sizes[0]!;
  if (sizes.some((size) => size !== trips))
    throw malformedSite(site, `the scanned axes have different sizes; got ${sizes.join(", ")}`);
  lowering.expectNodes(trips * leastNodes(body, (name) => numberNamed(lowering, site, name)));
  const slices = axes.map((axis, position) => {
    const all = unstack(lowering.emitter, tensorInput(site, states + position), axis);
    return inputBack[position] ? [...all].reverse() : all;
  });
  let carried: readonly Bound[] = site.inputs.slice(0, states).map((_, position) => boundInput(site, position));
  const collected: Value[][] = listed(results, () => []);
  for (let trip = 0; trip < trips; trip++) {
    const outputs = lowerStep(lowering, site, body, [...carried, ...slices.map((all) => all[trip]!)], trip);
    if (outputs.some(isUnknown)) return outputs.map(() => UNKNOWN);
    carried = outputs.slice(0, states);
    for (const [position, bound] of outputs.slice(states).entries()) collected[position]!.push(tensorOf(bound));
  }
  return [
    ...carried,
    ...collected.map((all, position) => {
      const ordered = outputBack[position] ? all.reverse() : all;
      const rank = (all[0]?.type.shape.length ?? 0) + 1;
      const axis = normalizeAxis(outputAxes[position]!, rank);
      return stackOrEmpty(lowering, ordered, axis, body, states + position);
    }),
  ];
};

/**
 * Scan of operator set 8: inputs the lengths of sequences, states and tensors, all with a batch axis; every sample is
 * walked along axis 1. What lies behind the end of a sequence is zeros.
 */
const batchedScan: Handler = (lowering, site) => {
  const { emitter } = lowering;
  const body = siteGraph(lowering, site, "body");
  const walked = siteNumber(lowering, site, "num_scan_inputs", -1);
  const states = site.inputs.length - 1 - walked;
  if (walked < 1 || states < 0) throw malformedSite(site, `attribute "num_scan_inputs" is wrong; got ${walked}`);
  const lengths = site.inputs[0] && emitter.constant(tensorInput(site, 0));
  if (site.inputs[0] && !lengths) throw refusedForm(REFUSED_FORMS.Scan.lengths);
  const back = perScanned(lowering, site, "directions", walked);
  const given = site.inputs.slice(1).map((_, position) => unstack(emitter, tensorInput(site, position + 1), 0));
  const longest = tensorInput(site, 1 + states).type.shape[1]!;
  const samples: (readonly Value[])[] = [];
  for (const sample of given[states]!.keys()) {
    let carried = given.slice(0, states).map((all): Bound => all[sample]!);
    const trips = lengths ? literalNumbers(lengths)[sample]! : longest;
    const slices = given.slice(states).map((all, position) => {
      const own = unstack(emitter, all[sample]!, 0).slice(0, trips);
      return back[position] ? own.reverse() : own;
    });
    const collected: Value[][] = (body.output ?? []).slice(states).map(() => []);
    for (let trip = 0; trip < trips; trip++) {
      const step = [...carried, ...slices.map((all) => all[trip]!)];
      const outputs = lowerStep(lowering, site, body, step, sample * longest + trip);
      if (outputs.some(isUnknown)) return outputs.map(() => UNKNOWN);
      carried = outputs.slice(0, states);
      for (const [position, bound] of outputs.slice(states).entries()) collected[position]!.push(tensorOf(bound));
    }
    const whole = collected.map((all, position) => stackOrEmpty(lowering, all, 0, body, states + position));
    samples.push([...carried.map(tensorOf), ...whole.map((all) => lengthened(emitter, all, longest))]);
  }
  if (samples.length === 0) throw malformedSite(site, "the batch is empty");
  const outputs = (body.output ?? []).map((_, output) => samples.map((own) => own[output]!));
  return outputs.map((all) => stack(emitter, all, 0));
};

/** Zeros after the slices of axis 0, up to a number of them. */
function lengthened(b: Emitter, x: Value, length: number): Value {
  const [own, ...rest] = x.type.shape;
  return concatenated(b, own === length ? [x] : [x, expanded(b, scalarOf(b, 0, x), [length - own!, ...rest])], 0);
}

function lowerStep(
  lowering: Lowering,
  site: CallSite,
  body: GraphProto,
  values: readonly Bound[],
  trip: number,
): readonly Bound[] {
  const scope = innerScope(site, `${trip}/`);
  const inputs = body.input ?? [];
  if (inputs.length !== values.length) {
    throw malformedSite(site, `its body takes ${inputs.length} inputs, but gets ${values.length}`);
  }
  for (const [position, { name }] of inputs.entries()) scope.bind(name, values[position]!);
  return lowering.lowerInner(body, scope);
}

/** Slices as one tensor; of no slices, an empty tensor of the type that the body declares. */
function stackOrEmpty(
  lowering: Lowering,
  slices: readonly Value[],
  axis: number,
  body: GraphProto,
  output: number,
): Value {
  if (slices.length > 0) return stack(lowering.emitter, slices, axis);
  const declared = body.output?.[output]?.type?.tensor_type;
  const dims = declared?.shape?.dim;
  if (!declared || !dims?.every((dim) => has(dim, "dim_value"))) {
    throw refusedForm(REFUSED_FORMS.Loop.shapeless, `output ${output}`);
  }
  const dtype = trainingDType(dtypeOf(declared.elem_type, `output ${output}`));
  if (dtype === "string") throw refusedForm(REFUSED_FORMS.Loop.strings);
  const sizes = dims.map((dim) => numberOf(dim.dim_value!));
  const empty: Literal = {
    dtype,
    shape: [...sizes.slice(0, axis), 0, ...sizes.slice(axis)],
    elements: allocateElements(dtype, 0),
  };
  return lowering.emitter.literal(empty);
}

function innerScope({ node, scope }: CallSite, suffix: string): Scope {
  return scope.inner(`${scope.prefix}${nodeName(node)}/${suffix}`);
}

function tensorOf(bound: Bound): Value {
  if (isTensor(bound)) return bound;
  throw new PipewrightError("MODEL_UNSUPPORTED", `a ${bound.kind} cannot be collected by a loop.`);
}

export const controlFlow = { If: branch, Loop: loop, Scan: scan };
