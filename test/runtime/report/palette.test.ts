/**
 * @file The colours of the page: what is written can be read in both themes, and stages and phases that meet can be told
 * apart by people who see fewer colours. Contrast: WCAG 2.2. Simulation of colour blindness: Viénot, Brettel & Mollon 1999.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

type Colour = readonly [red: number, green: number, blue: number];

const style = readFileSync(new URL("../../../runtime/report/page/style.css", import.meta.url), "utf8");
const [light, dark] = [...style.matchAll(/:root \{([^}]*)\}/g)].map(
  ([, body]) =>
    new Map([...body!.matchAll(/--([\w-]+): #([0-9a-f]{6})/g)].map(([, name, hex]) => [name!, colourOf(hex!)])),
);
const THEMES = [
  ["light", light!],
  ["dark", new Map([...light!, ...dark!])],
] as const;
const STAGES = Array.from({ length: 8 }, (_, stage) => `s${stage}`);
const PHASES = ["forward", "input", "weight"];

/** Light of each channel, 0 to 1. */
function colourOf(hex: string): Colour {
  const [red, green, blue] = [0, 2, 4].map((at) => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return [red!, green!, blue!];
}

function contrast(a: Colour, b: Colour): number {
  const [high, low] = [a, b]
    .map(([red, green, blue]) => 0.2126 * red + 0.7152 * green + 0.0722 * blue)
    .sort((one, other) => other - one) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

type Matrix = readonly (readonly [number, number, number])[];
const SIGHTS: Readonly<Record<string, Matrix>> = {
  full: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.11238, 0.88762, 0],
    [0.11238, 0.88762, 0],
    [0.00401, -0.00401, 1],
  ],
  deuteranopia: [
    [0.29275, 0.70725, 0],
    [0.29275, 0.70725, 0],
    [-0.02234, 0.02234, 1],
  ],
};

/** Distance of two colours in Oklab, as seen; 0.02 is just noticeable. */
function distance(a: Colour, b: Colour, sight: Matrix): number {
  const [p, q] = [a, b].map((colour) => oklab(seen(colour, sight))) as [Colour, Colour];
  return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
}

function seen([red, green, blue]: Colour, sight: Matrix): Colour {
  const [r, g, b] = sight.map(([x, y, z]) => Math.max(0, x * red + y * green + z * blue));
  return [r!, g!, b!];
}

function oklab([r, g, b]: Colour): Colour {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** `share` of one colour over another, mixed as the screen does. */
function tinted(over: Colour, ground: Colour, share: number): Colour {
  const screen = (part: number): number => (part <= 0.0031308 ? part * 12.92 : 1.055 * part ** (1 / 2.4) - 0.055);
  const hex = over.map((part, at) =>
    Math.round(255 * (share * screen(part) + (1 - share) * screen(ground[at]!)))
      .toString(16)
      .padStart(2, "0"),
  );
  return colourOf(hex.join(""));
}

describe.each(THEMES)("the %s theme", (_, colours) => {
  const of = (name: string): Colour => colours.get(name)!;

  it("writes what can be read", () => {
    const white: Colour = [1, 1, 1];
    for (const phase of [...PHASES, "update"]) expect(contrast(white, of(phase)), phase).toBeGreaterThanOrEqual(4.5);
    for (const ground of ["paper", "ground"])
      for (const ink of ["ink", "soft", "link"])
        expect(contrast(of(ink), of(ground)), `${ink} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    for (const stage of STAGES) {
      const column = tinted(of(stage), of("paper"), 0.06);
      expect(contrast(of(stage), column), `the head of ${stage}`).toBeGreaterThanOrEqual(3);
    }
  });

  it("tells phases and neighbouring stages apart, however many colours one sees", () => {
    for (const [sight, matrix] of Object.entries(SIGHTS)) {
      for (const [at, phase] of PHASES.entries())
        for (const other of PHASES.slice(at + 1))
          expect(distance(of(phase), of(other), matrix), `${phase}, ${other}: ${sight}`).toBeGreaterThan(0.05);
      for (const [at, stage] of STAGES.entries()) {
        const next = STAGES[(at + 1) % STAGES.length]!;
        expect(distance(of(stage), of(next), matrix), `${stage}, ${next}: ${sight}`).toBeGreaterThan(0.05);
      }
    }
  });
});
