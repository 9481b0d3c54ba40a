import { expect, test } from "vitest";
import { GraphBuilder } from "../../../compiler/ir/builder.js";
import { indexLimits } from "../../../compiler/ops/index-limits.js";
import { OPS } from "../../../compiler/ops/registry.js";

test("an input that ends as an index lies below the size of the smallest table", () => {
  const b = new GraphBuilder(OPS);
  const tokens = b.input("tokens", { dtype: "int64", shape: [4] });
  b.input("other", { dtype: "int64", shape: [4] });
  const words = b.param("words", { dtype: "float32", shape: [50, 8] });
  const few = b.param("few", { dtype: "float32", shape: [8, 20] });
  const rows = b.emit("Unsqueeze", [tokens, b.int64s([0])], {});
  const a = b.emit("Gather", [words, rows], { axis: 0 });
  const c = b.emit("Gather", [few, tokens], { axis: -1 });
  expect([...indexLimits(b.build("g", [a, c]))]).toEqual([["tokens", 20]]);
});
