import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PipewrightError } from "../../compiler/errors.js";
import { formatName, plainName, visible } from "../../compiler/names.js";

describe("names in messages", () => {
  it.each([
    ["mm", "mm", '"mm"'],
    ["a/b:0", "a/b:0", '"a/b:0"'],
    ["", '""', '""'],
    ["two words", '"two words"', '"two words"'],
    ["\u001b[31mred", String.raw`"\u001b[31mred"`, String.raw`"\u001b[31mred"`],
    ["a\nb\r", String.raw`"a\nb\r"`, String.raw`"a\nb\r"`],
    ["\u202egnp.exe", String.raw`"\u202egnp.exe"`, String.raw`"\u202egnp.exe"`],
    ["caf\u00e9", "caf\u00e9", '"caf\u00e9"'],
    ["cafe\u0301", '"cafe\u0301"', '"cafe\u0301"'],
    ["__proto__", "__proto__", '"__proto__"'],
  ])("shows %j as %s and %s", (name, plain, quoted) => {
    expect(plainName(name)).toBe(plain);
    expect(formatName(name)).toBe(quoted);
  });

  it("cuts long names and gives their length", () => {
    expect(formatName("x".repeat(1_000_000))).toBe(`"${"x".repeat(200)}"… (1000000 characters)`);
    expect(plainName("x".repeat(201))).toContain("(201 characters)");
  });

  it("never lets an invisible character through, and no name ends a line", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (name) => {
        const shown = formatName(name);
        expect(visible(shown)).toBe(shown);
        expect(shown).not.toMatch(/[\r\n]/);
        expect(shown.length).toBeLessThan(6 * 200 + 40);
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it("lets a message have indented lines and grids of its own, and no name any other line", () => {
    const { message } = new PipewrightError("USAGE", "all of\n  a\nerror: x\r\n[1/3] y\n z\nd0 0F0\n   ^ d0\n");
    expect(message).toBe("all of\n  a\\nerror: x\\u000d\\n[1/3] y\\n z\nd0 0F0\n   ^ d0\\n");
    expect(new PipewrightError("USAGE", `again: ${message}`).message).toBe(`again: ${message}`);
  });

  it("cleans every error message, whoever writes it", () => {
    const error = new PipewrightError("FILE", `\u001b]0;title\u0007 \u202e ${"y".repeat(100_000)}`);
    expect(error.message.startsWith(String.raw`\u001b]0;title\u0007 \u202e y`)).toBe(true);
    expect(error.message.length).toBeLessThan(17_000);
  });
});
