/** @file How many nodes loops become, as far as that is certain before anything of them is lowered. */
import { elementCount, literalNumbers } from "../../ir/literal.js";
import type { GraphProto, NodeProto, TensorProto } from "../proto.js";
import { tensorLiteral } from "../tensor-data.js";

/** The one number that a name stands for, truth values as 0 and 1; undefined when it is not known or not one. */
export type KnownNumber = (name: string) => number | undefined;

/** Nodes of a loop body, those of loops inside included: the least that one iteration lowers. Cost: linear. */
export function leastNodes(body: GraphProto, known: KnownNumber): number {
  const own = ownNumbers(body);
  const inside: KnownNumber = (name) => (own.has(name) ? own.get(name) : known(name));
  return (body.node ?? []).reduce((sum, node) => sum + 1 + (isLoop(node) ? leastLoopNodes(node, inside) : 0), 0);
}

/** Nodes of all iterations of a Loop; 0 when its end is not known. Infinity for one that never ends. */
export function leastLoopNodes({ input = [], attribute = [] }: NodeProto, known: KnownNumber): number {
  const body = attribute.find(({ name }) => name === "body")?.g;
  const [trips, running] = [input[0] ? known(input[0]) : Infinity, input[1] ? known(input[1]) : 1];
  if (!body || !trips || trips < 0 || !running || !goesOn(body)) return 0;
  return trips === Infinity ? Infinity : trips * leastNodes(body, known);
}

/** True for a body that hands on the condition that it gets, or one that is always true: only the count ends the loop. */
function goesOn(body: GraphProto): boolean {
  const own = ownNumbers(body);
  const copied = new Map(
    (body.node ?? []).flatMap(({ op_type: op, domain, input = [], output = [] }) =>
      op === "Identity" && !domain ? [[output[0], input[0]] as const] : [],
    ),
  );
  let name = body.output?.[0]?.name;
  for (let step = 0; step < copied.size && copied.has(name); step++) name = copied.get(name);
  return name !== undefined && (name === body.input?.[1]?.name || own.get(name) === 1);
}

/** Names that a body binds itself, with their numbers where they are constants. */
function ownNumbers(body: GraphProto): ReadonlyMap<string, number | undefined> {
  const numbers = new Map<string, number | undefined>();
  for (const { name } of body.input ?? []) numbers.set(name, undefined);
  for (const { attribute = [], op_type: op, output = [] } of body.node ?? []) {
    for (const name of output) numbers.set(name, undefined);
    const value = op === "Constant" ? attribute.find(({ name }) => name === "value")?.t : undefined;
    if (value && output[0]) numbers.set(output[0], numberIn(value));
  }
  for (const tensor of body.initializer ?? []) numbers.set(tensor.name ?? "", numberIn(tensor));
  return numbers;
}

const [INT64, BOOL] = [7, 9];

function numberIn(tensor: TensorProto): number | undefined {
  const isPlain = (tensor.data_type === INT64 || tensor.data_type === BOOL) && !tensor.data_location;
  if (!isPlain || tensor.dims.length > 1) return undefined;
  const literal = tensorLiteral(tensor, "constant of a loop");
  return elementCount(literal.shape) === 1 ? literalNumbers(literal)[0] : undefined;
}

function isLoop({ op_type: op, domain }: NodeProto): boolean {
  return op === "Loop" && !domain;
}
