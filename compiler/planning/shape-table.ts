/** @file Shapes of stages that were made once, for all candidates of a request: no schedule changes them. */
import type { NodeId } from "../ir/graph.js";
import type { PartitionProblem } from "../partition/problem.js";
import type { ProgramMemory } from "../plan/workspace.js";
import type { ShapeSubject, StageShape } from "./stage-shape.js";
import { stageShapes } from "./stage-shape.js";

/** A stage by its blocks. */
export interface StageBlocks {
  readonly stage: number;
  readonly blocks: readonly number[];
  /** By block: before the stage (-1), of it (0), or behind it (1). */
  readonly side: (block: number) => number;
  /** Different for different blocks. */
  readonly key: string;
}

/** What linking a stage takes besides its nodes, in nodes. */
export const STAGE_WORK = 80;
/** Blocks whose sides fit into one character. */
const BLOCKS_PER_CHARACTER = 10;

/** A stage of a model with so many blocks. */
export function stageBlocks(stage: number, count: number, side: (block: number) => number): StageBlocks {
  const blocks: number[] = [];
  let key = "";
  let code = 0;
  for (let block = 0; block < count; block++) {
    const own = side(block);
    if (own === 0) blocks.push(block);
    code = 3 * code + own + 1;
    if ((block + 1) % BLOCKS_PER_CHARACTER > 0 && block + 1 < count) continue;
    key += String.fromCharCode(code);
    code = 0;
  }
  return { stage, blocks, side, key };
}

/** How a stage runs. */
export interface StageMode {
  readonly isSplit: boolean;
  /** Whether all blocks of other stages that read what it makes run again. */
  readonly isAllAgain: boolean;
  /** Blocks that run again. */
  readonly again: readonly number[];
}

export interface ShapeTableOptions {
  readonly subject: ShapeSubject;
  readonly graph: PartitionProblem["graph"];
  readonly blockOf: (node: NodeId) => number;
  /** Told how many nodes were linked. */
  readonly onWork: (nodes: number) => void;
}

export class ShapeTable {
  readonly #options: ShapeTableOptions;
  readonly #shapes = new Map<string, readonly StageShape[] | undefined>();

  constructor(options: ShapeTableOptions) {
    this.#options = options;
  }

  /** As stageShapes, with these blocks of the stage running again. */
  of({ key, side }: StageBlocks, { isSplit, isAllAgain, again }: StageMode): readonly StageShape[] | undefined {
    const { subject, graph, blockOf, onWork } = this.#options;
    const name = `${isSplit} ${isAllAgain} ${key} ${again.join()}`;
    if (this.#shapes.has(name)) return this.#shapes.get(name);
    const nodes = new Set(again.flatMap((block) => graph.blocks[block]!.nodes));
    const shapes = stageShapes(subject, { side: (node) => side(blockOf(node)), isSplit, isAllAgain, again: nodes });
    this.#shapes.set(name, shapes);
    for (const { programs } of shapes ?? []) onWork(STAGE_WORK + nodesIn(programs));
    return shapes;
  }
}

/** Nodes that programs run. */
export function nodesIn(programs: readonly ProgramMemory[]): number {
  return programs.reduce((sum, { scratch }) => sum + scratch.length, 0);
}
