/** @file What the cutters of other tools give. Types only. */

export interface OtherCut {
  /** By block. */
  readonly stageOf: Int32Array;
  /** What took the place of the tool's own way where that takes too long; for the user to read. */
  readonly instead?: string;
}
