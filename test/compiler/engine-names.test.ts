/** @file Names in stage graphs: none has a NUL, none is lost. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { engineName, ownName } from "../../compiler/names.js";

/** Texts of the pieces that the rule is about. */
const names = fc
  .array(fc.constantFrom("\0", "\\", "u0000", "u005c", "\\u0000", "\\u005c", "a"), { maxLength: 8 })
  .map((pieces) => pieces.join(""));

it("names are written without NUL, and read back as they were", () => {
  fc.assert(
    fc.property(names, (name) => {
      const written = engineName(name);
      expect(written).not.toContain("\0");
      expect(ownName(written)).toBe(name);
    }),
  );
});

it("every name without NUL is one that is written", () => {
  fc.assert(
    fc.property(names, (name) => {
      const written = name.replaceAll("\0", "");
      expect(engineName(ownName(written))).toBe(written);
    }),
  );
});

it.each([
  ["plain/name.1", "plain/name.1"],
  ["a\0b", "a\\u0000b"],
  ["a\\u0000b", "a\\u005cu0000b"],
  ["C:\\u00", "C:\\u00"],
])("%j is written %j", (name, written) => {
  expect(engineName(name)).toBe(written);
});
