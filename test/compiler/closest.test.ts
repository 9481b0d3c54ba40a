import { describe, expect, it } from "vitest";
import { closest, editDistance, suggestion } from "../../compiler/closest.js";

describe("editDistance", () => {
  it.each([
    ["", "abc", 3],
    ["train", "train", 0],
    ["trian", "train", 1],
    ["kitten", "sitting", 3],
    ["simulte", "simulate", 1],
  ])("%j to %j takes %i", (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  });
});

describe("closest", () => {
  const commands = ["demo", "inspect", "profile", "partition"];
  it("finds the likely meaning", () => expect(closest("partiton", commands)).toBe("partition"));
  it("says nothing when nothing is near", () => expect(closest("xyzzy", commands)).toBeUndefined());
  it("makes a sentence", () => expect(suggestion("Inspct", commands)).toBe(" Did you mean inspect?"));
});
