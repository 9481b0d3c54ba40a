/** @file Sequences and optionals whose length and content are known: they exist at compile time only. */
import { listed } from "../../ir/listed.js";
import { literalNumbers, literalOf, elementCount } from "../../ir/literal.js";
import type { Value } from "../../ir/graph.js";
import { nodeName } from "../order.js";
import type { Bound, Sequence } from "../scope.js";
import { REFUSED_FORMS, refusedForm } from "../refused-forms.js";
import { isTensor } from "../scope.js";
import { unsupportedNode } from "../source.js";
import type { CallSite } from "../lowering.js";
import type { Handler } from "./handler.js";
import {
  boundInput,
  constantInput,
  constantNumber,
  malformedSite,
  sequenceInput,
  siteGraph,
  siteNumber,
  tensorInput,
} from "./handler.js";
import { splitAlong, stack } from "./slices.js";

const sequenceOf = (items: readonly Bound[]): Sequence => ({ kind: "sequence", items });

function positionIn(site: CallSite, length: number, position: number): number {
  const own = position < 0 ? position + length : position;
  if (own < 0 || own >= length) throw malformedSite(site, `position ${position} lies outside a sequence of ${length}`);
  return own;
}

function tensorItems({ items }: Sequence): readonly Value[] {
  return items.map((item) => {
    if (isTensor(item)) return item;
    throw unsupportedNode(`the sequence holds a ${item.kind}.`);
  });
}

const splitToSequence: Handler = (lowering, site) => {
  const x = tensorInput(site, 0);
  const rank = x.type.shape.length;
  const axis = positionIn(site, rank, siteNumber(lowering, site, "axis", 0));
  const size = x.type.shape[axis]!;
  const literal = constantInput(lowering, site, 1);
  const split = literal && literalNumbers(literal);
  const part = split ? (literal.shape.length === 0 ? split[0]! : undefined) : 1;
  if (part !== undefined && part < 1) throw malformedSite(site, `the parts have size ${part}`);
  const sizes = part === undefined ? split! : listed(Math.ceil(size / part), (at) => Math.min(part, size - at * part));
  if (sizes.reduce((sum, own) => sum + own, 0) !== size)
    throw malformedSite(site, `the parts [${sizes.join(",")}] do not make up ${size}`);
  if (sizes.length === 0) return [sequenceOf([])];
  const parts = splitAlong(lowering.emitter, x, axis, sizes);
  if (split || siteNumber(lowering, site, "keepdims", 1)) return [sequenceOf(parts)];
  return [sequenceOf(parts.map((own) => lowering.emitter.emit("Squeeze", [own, lowering.emitter.int64s([axis])])))];
};

const concatFromSequence: Handler = (lowering, site) => {
  const items = tensorItems(sequenceInput(site, 0));
  if (items.length === 0) throw refusedForm(REFUSED_FORMS.ConcatFromSequence.empty);
  const isNew = siteNumber(lowering, site, "new_axis", 0) !== 0;
  const rank = items[0]!.type.shape.length + (isNew ? 1 : 0);
  const axis = positionIn(site, rank, siteNumber(lowering, site, "axis", 0));
  if (isNew) return [stack(lowering.emitter, items, axis)];
  return [items.length === 1 ? items[0]! : lowering.emitter.emit("Concat", items, { axis })];
};

const insert: Handler = (lowering, site) => {
  const { items } = sequenceInput(site, 0);
  const position = constantNumber(lowering, site, 2) ?? items.length;
  const at = position < 0 ? position + items.length : position;
  if (at < 0 || at > items.length)
    throw malformedSite(site, `position ${position} lies outside a sequence of ${items.length}`);
  return [sequenceOf([...items.slice(0, at), boundInput(site, 1), ...items.slice(at)])];
};

const erase: Handler = (lowering, site) => {
  const { items } = sequenceInput(site, 0);
  const at = positionIn(site, items.length, constantNumber(lowering, site, 1) ?? -1);
  return [sequenceOf(items.filter((_, position) => position !== at))];
};

/** Applies the body to the items of each sequence, position by position; tensors are passed to every application. */
const map: Handler = (lowering, site) => {
  const body = siteGraph(lowering, site, "body");
  const { items } = sequenceInput(site, 0);
  const rows = items.map((_, position) => {
    const scope = site.scope.inner(`${site.scope.prefix}${nodeName(site.node)}/${position}/`);
    for (const [at, { name }] of (body.input ?? []).entries()) {
      const bound = boundInput(site, at);
      const isSequence = !isTensor(bound) && bound.kind === "sequence";
      scope.bind(name, isSequence ? bound.items[positionIn(site, bound.items.length, position)]! : bound);
    }
    return lowering.lowerInner(body, scope);
  });
  return (body.output ?? []).map((_, output) => sequenceOf(rows.map((row) => row[output]!)));
};

const optional: Handler = (_lowering, site) => [{ kind: "optional", item: site.inputs[0] }];

const hasElement: Handler = (lowering, site) => {
  const bound = site.inputs[0];
  const present = bound !== undefined && (isTensor(bound) || bound.kind !== "optional" || bound.item !== undefined);
  return [lowering.emitter.literal(literalOf("bool", [], [present ? 1 : 0]))];
};

const getElement: Handler = (_lowering, site) => {
  const bound = boundInput(site, 0);
  if (isTensor(bound) || bound.kind !== "optional") return [bound];
  if (bound.item) return [bound.item];
  throw malformedSite(site, "the optional is empty");
};

export const sequences: Readonly<Record<string, Handler>> = {
  SequenceEmpty: () => [sequenceOf([])],
  SequenceConstruct: (_lowering, site) => [sequenceOf(site.inputs.map((_, position) => boundInput(site, position)))],
  SequenceInsert: insert,
  SequenceErase: erase,
  SequenceAt: (lowering, site) => {
    const { items } = sequenceInput(site, 0);
    return [items[positionIn(site, items.length, constantNumber(lowering, site, 1) ?? 0)]];
  },
  SequenceLength: (lowering, site) => [
    lowering.emitter.literal(literalOf("int64", [], [sequenceInput(site, 0).items.length])),
  ],
  SequenceMap: map,
  SplitToSequence: splitToSequence,
  ConcatFromSequence: concatFromSequence,
  Optional: optional,
  OptionalHasElement: hasElement,
  OptionalGetElement: getElement,
  Shape: (lowering, site) => {
    const { shape } = tensorInput(site, 0).type;
    const clamp = (position: number) =>
      Math.max(0, Math.min(shape.length, position < 0 ? position + shape.length : position));
    const start = clamp(siteNumber(lowering, site, "start", 0));
    const end = clamp(siteNumber(lowering, site, "end", shape.length));
    return [lowering.emitter.int64s(shape.slice(start, end))];
  },
  Size: (lowering, site) => [
    lowering.emitter.literal(literalOf("int64", [], [elementCount(tensorInput(site, 0).type.shape)])),
  ],
};
