import { expect, test } from "vitest";
import { literalOf } from "../../../compiler/ir/literal.js";

test.each(["string", "float16", "bfloat16"] as const)(
  "a %s literal from numbers is refused as a model error",
  (dtype) => {
    expect(() => literalOf(dtype, [1], [0])).toThrow(
      `element type ${dtype}: arithmetic is needed here; got ${dtype}, expected a type of plain numbers such as float32. Convert the model.`,
    );
  },
);
