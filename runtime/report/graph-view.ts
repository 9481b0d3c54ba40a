/** @file The block graph with coordinates: a column per stage, blocks from top to bottom, cut tensors between columns. */
import type { BlockMap, MappedBlock } from "../../compiler/plan/block-map.js";
import { layerGraph, spread } from "./layers.js";

/** Sizes in px at zoom 1. */
export const BOX = { width: 136, height: 26, gapX: 12, gapY: 16, headY: 44, columnGap: 124, margin: 12 } as const;
/** Least distance between two labels of one gap. */
const LABEL_GAP = 15;

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

/** An edge from (x1, y1) to (x2, y2). Gradients are drawn only where they are cut: `isBack`. */
export interface GraphEdge {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
  readonly isCut: boolean;
  readonly isBack: boolean;
}

/** A tensor that crosses from one stage to another, with the place of its label. */
export interface CutTensor {
  readonly net: number;
  readonly producer: string;
  readonly fromStage: number;
  readonly toStage: number;
  readonly forwardBytes: number;
  readonly gradBytes: number;
  readonly labelX: number;
  readonly labelY: number;
}

export interface GraphView {
  readonly width: number;
  readonly height: number;
  readonly blocks: readonly PlacedBlock[];
  readonly columns: readonly StageColumn[];
  readonly edges: readonly GraphEdge[];
  readonly cuts: readonly CutTensor[];
}

/** Lays the graph out, stage by stage. */
export function graphView({ blocks, nets }: BlockMap, stages: number): GraphView {
  const own = Array.from({ length: stages }, (): number[] => []);
  const place = blocks.map(({ stage }, at) => own[stage]!.push(at) - 1);
  const inner = Array.from({ length: stages }, () => ({ from: [] as number[], to: [] as number[] }));
  for (const { producer, consumers, forwardBytes } of nets) {
    if (forwardBytes === 0) continue;
    const { stage } = blocks[producer]!;
    for (const consumer of consumers) {
      if (blocks[consumer]!.stage !== stage || consumer <= producer) continue;
      inner[stage]!.from.push(place[producer]!);
      inner[stage]!.to.push(place[consumer]!);
    }
  }
  const columns: StageColumn[] = [];
  const placed = new Array<PlacedBlock>(blocks.length);
  let x: number = BOX.margin;
  let height = 0;
  own.forEach((members, stage) => {
    const { layer, across, depth, breadth } = layerGraph({ count: members.length, ...inner[stage]! });
    const width = (breadth + 1) * (BOX.width + BOX.gapX) - BOX.gapX;
    members.forEach((index, at) => {
      const left = x + across[at]! * (BOX.width + BOX.gapX);
      const top = BOX.headY + BOX.margin + layer[at]! * (BOX.height + BOX.gapY);
      placed[index] = { block: blocks[index]!, x: left, y: top };
    });
    columns.push({ stage, x, width });
    height = Math.max(height, BOX.headY + BOX.margin + depth * (BOX.height + BOX.gapY));
    x += width + BOX.columnGap;
  });
  return {
    width: x - BOX.columnGap + BOX.margin,
    height: height + BOX.margin,
    blocks: placed,
    columns,
    edges: nets.flatMap(({ producer, consumers, forwardBytes }) =>
      consumers
        .map((consumer) => edge(placed[producer]!, placed[consumer]!, forwardBytes === 0))
        .filter(({ isCut, isBack }) => isCut || !isBack),
    ),
    cuts: cutTensors({ version: 1, blocks, nets }, placed, columns),
  };
}

function edge(from: PlacedBlock, to: PlacedBlock, isBack: boolean): GraphEdge {
  const isCut = from.block.stage !== to.block.stage;
  if (!isCut) {
    const [x1, x2] = [from.x + BOX.width / 2, to.x + BOX.width / 2];
    return { x1, y1: from.y + BOX.height, x2, y2: to.y, isCut, isBack };
  }
  const isRight = to.x > from.x;
  const [x1, x2] = isRight ? [from.x + BOX.width, to.x] : [from.x, to.x + BOX.width];
  return { x1, y1: from.y + BOX.height / 2, x2, y2: to.y + BOX.height / 2, isCut, isBack };
}

/** One per net and reading stage. Labels stand in the gap before the reader, near its first reader, none over another. */
function cutTensors(
  { blocks, nets }: BlockMap,
  placed: readonly PlacedBlock[],
  columns: readonly StageColumn[],
): readonly CutTensor[] {
  const cuts = nets.flatMap(({ producer, consumers, forwardBytes, gradBytes }, net) => {
    const { stage: fromStage, name } = blocks[producer]!;
    const readers = new Map<number, number>();
    for (const consumer of consumers) {
      const { stage } = blocks[consumer]!;
      if (stage !== fromStage && !readers.has(stage)) readers.set(stage, consumer);
    }
    return [...readers].map(([toStage, reader]): CutTensor => {
      const column = columns[toStage]!;
      const labelX = toStage > fromStage ? column.x - BOX.columnGap / 2 : column.x + column.width + BOX.columnGap / 2;
      const labelY = placed[reader]!.y + BOX.height / 2;
      return { net, producer: name, fromStage, toStage, forwardBytes, gradBytes, labelX, labelY };
    });
  });
  const gaps = new Set(cuts.map(({ labelX }) => labelX));
  return [...gaps].flatMap((gap) => {
    const sorted = cuts.filter(({ labelX }) => labelX === gap).sort((a, b) => a.labelY - b.labelY);
    const placedY = spread(
      sorted.map(({ labelY }) => labelY),
      LABEL_GAP,
    );
    const shift = Math.max(0, BOX.headY + LABEL_GAP - (placedY[0] ?? Infinity));
    return sorted.map((cut, at) => ({ ...cut, labelY: placedY[at]! + shift }));
  });
}
