/** @file Where blocks and columns are in the picture of the block graph. */
import type { MappedBlock } from "../../compiler/plan/block-map.js";

/** Sizes in px at zoom 1. */
export const BOX = { width: 132, height: 26, gapX: 10, gapY: 16, headY: 44, columnGap: 164, margin: 12 } as const;

/** A block with the place of its top left corner. */
export interface PlacedBlock {
  readonly block: MappedBlock;
  readonly x: number;
  readonly y: number;
}

/** The column of a stage. */
export interface StageColumn {
  readonly stage: number;
  readonly x: number;
  readonly width: number;
}
