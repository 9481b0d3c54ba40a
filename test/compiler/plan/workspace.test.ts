/** @file What programs take while they run, counted by hand on small cases in units of the arena, 256 bytes. */
import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../../../compiler/ir/builder.js";
import type { Value } from "../../../compiler/ir/graph.js";
import { OPS } from "../../../compiler/ops/registry.js";
import type { GraphValues } from "../../../compiler/plan/workspace.js";
import { programMemory, sharedBytes } from "../../../compiler/plan/workspace.js";
import { f32 } from "../../support/onnx-model.js";

const UNIT = 256;

/** A vector of so many units. */
const units = (count: number) => f32((count * UNIT) / 4);

/** A program over a builder's nodes. */
function program({ nodes }: GraphBuilder, inputs: readonly Value[], outputs: readonly Value[]): GraphValues {
  const list = (values: readonly Value[]) => values.map((value) => ({ value }));
  return { nodes, inputs: list(inputs), outputs: list(outputs) };
}

function workspaceBytes(programs: readonly GraphValues[]): number {
  return sharedBytes(programs.map(programMemory));
}

/** What a program takes of one input of 4 units and all that the builder makes of it. */
function taken(build: (b: GraphBuilder, x: Value) => Value | readonly Value[]): number {
  const b = new GraphBuilder(OPS);
  const x = b.input("x", units(4));
  const outputs = build(b, x);
  return workspaceBytes([program(b, [x], Array.isArray(outputs) ? outputs : [outputs as Value])]) / UNIT;
}

describe("the workspace of a program", () => {
  it("holds a value from its maker to its last reader", () => {
    // Exp and Sin hold 4 units each; while Add runs its result is there too.
    expect(taken((b, x) => b.emit("Neg", [b.emit("Add", [b.emit("Exp", [x]), b.emit("Sin", [x])])]))).toBe(12);
  });

  it("does not count what lives outside the program", () => {
    expect(taken((b, x) => b.emit("Neg", [b.emit("Exp", [x])]))).toBe(4);
    expect(
      taken((b, x) => {
        const inner = b.emit("Exp", [x]);
        return [inner, b.emit("Neg", [inner])];
      }),
    ).toBe(0);
  });

  it("gives a dead value's buffer to the next one of its shape", () => {
    const chain = (b: GraphBuilder, x: Value) =>
      ["Exp", "Sin", "Cos", "Sqrt", "Neg"].reduce((value, op) => b.emit(op as "Exp", [value]), x);
    expect(taken(chain)).toBe(8);
  });

  it("counts a view and a value made in place once", () => {
    const inPlace = (b: GraphBuilder, x: Value) => b.emit("Neg", [b.emit("Relu", [b.emit("Exp", [x])])]);
    expect(taken(inPlace)).toBe(4);
    const viewed = (b: GraphBuilder, x: Value) =>
      b.emit("Neg", [b.emit("Reshape", [b.emit("Exp", [x]), b.int64s([2, 128])])]);
    // The literal shape has 16 bytes.
    expect(taken(viewed)).toBe(4 + 16 / UNIT);
  });

  it("does not overwrite what another node still reads", () => {
    const inner = (b: GraphBuilder, x: Value) => {
      const first = b.emit("Exp", [x]);
      return b.emit("Add", [b.emit("Relu", [first]), first]);
    };
    expect(taken(inner)).toBe(8);
  });

  it("counts what a kernel needs while it runs", () => {
    // Each side of Where takes its own room; its result lives outside.
    expect(taken((b, x) => b.emit("Where", [b.emit("Greater", [x, b.scalar(0, "float32")]), x, x]))).toBe(
      1 + 2 * 4 + 4 / UNIT,
    );
  });

  it("is shared by programs that run in turns", () => {
    const of = (size: number): GraphValues => {
      const b = new GraphBuilder(OPS);
      const x = b.input("x", units(size));
      return program(b, [x], [b.emit("Neg", [b.emit("Exp", [x])])]);
    };
    expect(workspaceBytes([of(4), of(4)])).toBe(4 * UNIT);
    // A piece of 8 is split for 4, but one of 7 is not; and 4 do not hold 7.
    expect(workspaceBytes([of(8), of(4)])).toBe(8 * UNIT);
    expect(workspaceBytes([of(4), of(7)])).toBe(11 * UNIT);
  });
});
