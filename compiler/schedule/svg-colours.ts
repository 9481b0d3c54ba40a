/** @file The colours of pictures of schedules. */
import type { Phase } from "./action.js";

/** Legend order. Told apart by eyes that see no red or no green, and in grey. */
export const PHASES: readonly { readonly phase: Phase; readonly name: string }[] = [
  { phase: "F", name: "F forward" },
  { phase: "B", name: "B backward" },
  { phase: "I", name: "I input gradient" },
  { phase: "W", name: "W weight gradient" },
];

const TINT: Readonly<Record<Phase, { readonly hue: number; readonly saturation: number; readonly lightness: number }>> =
  {
    F: { hue: 212, saturation: 55, lightness: 44 },
    B: { hue: 10, saturation: 58, lightness: 48 },
    I: { hue: 170, saturation: 52, lightness: 33 },
    W: { hue: 40, saturation: 84, lightness: 55 },
  };
/** Later stages of a device are lighter, in so many steps. */
const LIGHTER = 16;
const STEPS = 2;
/** Dark numbers on grounds lighter than this. */
const LIGHT = 53;

/** Parts of a batch on one device. */
export const PARTS = ["warm-up", "steady", "cool-down"] as const;
/** The ground of a row in each part. */
export const PART_COLOUR = { "warm-up": "#dbe7f5", steady: "#e9ebee", "cool-down": "#f8e8d4" } as const;

/** Of an action of the `local`-th stage of its device. */
export function colourOf(phase: Phase, local: number): string {
  const { hue, saturation } = TINT[phase];
  return `hsl(${hue} ${saturation}% ${lightnessOf(phase, local)}%)`;
}

/** Of the number on it. */
export function inkOn(phase: Phase, local: number): "light" | "dark" {
  return lightnessOf(phase, local) > LIGHT ? "dark" : "light";
}

function lightnessOf(phase: Phase, local: number): number {
  return TINT[phase].lightness + Math.min(STEPS, local) * (phase === "W" ? LIGHTER - 4 : LIGHTER);
}
