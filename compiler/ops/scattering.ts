/** @file Ops that write elements at given indices: ScatterElements, ScatterND. */
import { sameShape, formatShape, mismatch, normalizeAxis, typeAt } from "./shape.js";
import type { Shape, Value } from "../ir/graph.js";
import type { Emitter, GradUse, OpDef } from "./define.js";
import { int, text } from "./define.js";
import { asType, zeros } from "./emission.js";
import { add, div, equal, mul, select } from "./expression.js";
import { checkElementIndices, checkRange, checkTuples, indicesAt } from "./gathering.js";
import { perElement } from "./work.js";

export type Reduction = "none" | "add" | "mul" | "max" | "min";

export interface ScatteringAttrs {
  ScatterElements: { readonly axis: number; readonly reduction: Reduction };
  ScatterND: { readonly reduction: Reduction };
}

/** One op's way to write into a tensor and to read back from one at the same indices. */
interface Access {
  readonly write: (target: Value, updates: Value, reduction: Reduction) => Value;
  readonly read: (from: Value) => Value;
}

function checkReduction(reduction: string): void {
  if (!["none", "add", "mul", "max", "min"].includes(reduction)) {
    throw mismatch(`attribute "reduction" is unknown; got "${reduction}", expected none, add, mul, max or min.`);
  }
}

const asFloat = (b: Emitter, condition: Value, like: Value): Value => asType(b, condition, like.type.dtype);

/** Products without the factor itself are exact when one factor is 0: zeros are counted apart. */
function gradOfProduct(b: Emitter, x: Value, updates: Value, dy: Value, { write, read }: Access): readonly Value[] {
  const isZero = equal(b, updates, 0);
  const nonZero = select(b, isZero, 1, updates);
  const none = zeros(b, x.type);
  const ones = add(b, none, 1);
  const product = write(ones, nonZero, "mul");
  const zeroCount = write(none, asFloat(b, isZero, x), "add");
  const othersAreNonZero = equal(b, read(zeroCount), asFloat(b, isZero, x));
  const others = select(b, othersAreNonZero, div(b, read(product), nonZero), 0);
  return [mul(b, dy, write(ones, updates, "mul")), mul(b, read(mul(b, dy, x)), others)];
}

/** The gradient of an extremum goes in equal parts to all that attain it (torch's scatter_reduce). */
function gradOfExtremum(
  b: Emitter,
  use: readonly [Value, Value, Value, Value],
  { write, read }: Access,
): readonly Value[] {
  const [x, updates, y, dy] = use;
  const own = asFloat(b, equal(b, x, y), x);
  const theirs = asFloat(b, equal(b, updates, read(y)), x);
  const share = div(b, dy, write(own, theirs, "add"));
  return [mul(b, share, own), mul(b, read(share), theirs)];
}

/** The three gradients of a scatter: of the data, none for the indices, of the updates. */
function gradOfScatter(
  b: Emitter,
  { x: [x, , updates], y: [y], dy: [dy] }: Pick<GradUse<"ScatterND">, "x" | "y" | "dy">,
  reduction: Reduction,
  access: Access,
): readonly (Value | undefined)[] {
  switch (reduction) {
    case "none":
      return [access.write(dy!, zeros(b, updates!.type), "none"), undefined, access.read(dy!)];
    case "add":
      return [dy, undefined, access.read(dy!)];
    case "mul": {
      const [dx, du] = gradOfProduct(b, x!, updates!, dy!, access);
      return [dx, undefined, du];
    }
    case "max":
    case "min": {
      const [dx, du] = gradOfExtremum(b, [x!, updates!, y!, dy!], access);
      return [dx, undefined, du];
    }
  }
}

function checkUpdates(updates: Shape, wanted: Shape): void {
  if (!sameShape(updates, wanted)) {
    throw mismatch(`updates do not fit; got ${formatShape(updates)}, expected ${formatShape(wanted)}.`);
  }
}

export const scattering: { readonly [K in keyof ScatteringAttrs]: OpDef<K> } = {
  ScatterElements: {
    attributes: { axis: int(0), reduction: text<Reduction>("none") },
    infer: (x, attrs) => {
      const { dtype, shape } = typeAt(x, 0);
      checkReduction(attrs.reduction);
      const indices = indicesAt(x, 1).shape;
      const axis = normalizeAxis(attrs.axis, shape.length);
      checkElementIndices(shape, indices, axis);
      checkRange(x[1]?.literal, axis, shape[axis]!);
      checkUpdates(typeAt(x, 2).shape, indices);
      return [{ dtype, shape }];
    },
    work: perElement(0),
    grad: (b, use) => {
      const { axis, reduction } = use.attrs;
      const indices = use.x[1];
      return gradOfScatter(b, use, reduction, {
        write: (target, updates, how) =>
          b.emit("ScatterElements", [target, indices, updates], { axis, reduction: how }),
        read: (from) => b.emit("GatherElements", [from, indices], { axis }),
      });
    },
  },

  ScatterND: {
    attributes: { reduction: text<Reduction>("none") },
    infer: (x, { reduction }) => {
      const { dtype, shape } = typeAt(x, 0);
      checkReduction(reduction);
      const indices = indicesAt(x, 1).shape;
      const tuple = indices.at(-1) ?? 0;
      if (indices.length === 0 || tuple > shape.length) {
        throw mismatch(`index tuples do not fit; got indices ${formatShape(indices)} into ${formatShape(shape)}.`);
      }
      checkTuples(x[1]?.literal, shape);
      checkUpdates(typeAt(x, 2).shape, [...indices.slice(0, -1), ...shape.slice(tuple)]);
      return [{ dtype, shape }];
    },
    work: perElement(0),
    grad: (b, use) => {
      const indices = use.x[1];
      return gradOfScatter(b, use, use.attrs.reduction, {
        write: (target, updates, how) => b.emit("ScatterND", [target, indices, updates], { reduction: how }),
        read: (from) => b.emit("GatherND", [from, indices]),
      });
    },
  },
};
