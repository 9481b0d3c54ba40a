/** @file Reading an image between its elements: taps along each axis, their weights, and the adjoint. What sampling ops share. */
import type { Value } from "../ir/graph.js";
import { elementCount } from "../ir/literal.js";
import type { Emitter } from "./define.js";
import { reshape, sumOver, transpose, zeros } from "./emission.js";
import { add, mul } from "./expression.js";

/** One neighbour along one axis, for every sample: its place on the axis, weight, and derivative of the weight. */
export interface Tap {
  /** int64, in 0..size-1. */
  readonly position: Value;
  readonly weight: Value;
  /** By the coordinate of the sample; undefined: 0. */
  readonly slope?: Value | undefined;
}

/** Samples read from an image [N, C, …]: `image` says which of the N each row of `taps` reads from. */
export interface Sampling {
  readonly x: Value;
  /** Per axis, then per neighbour; values of shape [rows, samples]. */
  readonly taps: readonly (readonly Tap[])[];
  /** [rows, 1], int64: the image of each row. */
  readonly image: Value;
}

/** Every combination of one tap per axis. */
function corners(taps: readonly (readonly Tap[])[]): readonly (readonly Tap[])[] {
  return taps.reduce<readonly (readonly Tap[])[]>(
    (all, axis) => all.flatMap((corner) => axis.map((tap) => [...corner, tap])),
    [[]],
  );
}

/** Rows of [N·P, C] that the corner reads, [rows, samples]. */
function cornerRows(b: Emitter, { x, image }: Sampling, corner: readonly Tap[]): Value {
  const spatial = x.type.shape.slice(2);
  return corner.reduce<Value>((sum, { position }, axis) => add(b, mul(b, sum, spatial[axis]!), position), image);
}

const product = (b: Emitter, factors: readonly Value[]): Value => factors.reduce((all, factor) => mul(b, all, factor));

/** The image as [N·P, C]: one row of channels per element. */
function pixels(b: Emitter, x: Value): Value {
  const [batch, channels, ...spatial] = x.type.shape as readonly [number, number, ...number[]];
  const count = elementCount(spatial);
  return reshape(b, transpose(b, reshape(b, x, [batch, channels, count]), [0, 2, 1]), [batch * count, channels]);
}

/** The gradient of the image: `dy` [rows, samples, C] times the weight of each corner is added where it was read. */
export function imageGradient(b: Emitter, sampling: Sampling, dy: Value): Value {
  const { x } = sampling;
  const [batch, channels, ...spatial] = x.type.shape as readonly [number, number, ...number[]];
  const samples = dy.type.shape.slice(0, 2);
  const count = elementCount(spatial);
  const added = corners(sampling.taps).map((corner) => {
    const weight = product(
      b,
      corner.map((tap) => tap.weight),
    );
    const rows = reshape(b, cornerRows(b, sampling, corner), [...samples, 1]);
    return { rows, updates: mul(b, dy, reshape(b, weight, [...samples, 1])) };
  });
  const join = (parts: readonly Value[]): Value =>
    parts.length === 1 ? parts[0]! : b.emit("Concat", parts, { axis: 1 });
  const target = zeros(b, { dtype: x.type.dtype, shape: [batch * count, channels] });
  const sum = b.emit(
    "ScatterND",
    [target, join(added.map(({ rows }) => rows)), join(added.map(({ updates }) => updates))],
    { reduction: "add" },
  );
  return reshape(b, transpose(b, reshape(b, sum, [batch, count, channels]), [0, 2, 1]), x.type.shape);
}

/** The gradient of the coordinate along each axis, [rows, samples]; undefined where no weight depends on it. */
export function coordinateGradients(b: Emitter, sampling: Sampling, dy: Value): readonly (Value | undefined)[] {
  const image = pixels(b, sampling.x);
  const grads = new Array<Value | undefined>(sampling.taps.length).fill(undefined);
  for (const corner of corners(sampling.taps)) {
    if (corner.every(({ slope }) => slope === undefined)) continue;
    const read = b.emit("Gather", [image, cornerRows(b, sampling, corner)], { axis: 0 });
    const along = sumOver(b, mul(b, dy, read), [2]);
    for (const [axis, { slope }] of corner.entries()) {
      if (!slope) continue;
      const others = corner.flatMap((tap, other) => (other === axis ? [] : [tap.weight]));
      const part = product(b, [along, slope, ...others]);
      grads[axis] = grads[axis] ? add(b, grads[axis], part) : part;
    }
  }
  return grads;
}
