/** @file The block graph with coordinates: a column per stage, blocks from top to bottom, cut tensors between columns. */
import type { BlockMap } from "../../compiler/plan/block-map.js";
import type { CutRoute } from "./cut-routes.js";
import { routeCuts } from "./cut-routes.js";
import type { PlacedBlock, StageColumn } from "./graph-places.js";
import { BOX } from "./graph-places.js";
import { layerGraph } from "./layers.js";

/** An edge from (x1, y1) to (x2, y2) within a stage. */
export interface GraphEdge {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

/** A tensor that crosses from one stage to another, with its way. */
export interface CutTensor extends CutRoute {
  readonly net: number;
  readonly producer: string;
  readonly fromStage: number;
  readonly toStage: number;
  readonly forwardBytes: number;
  readonly gradBytes: number;
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
    edges: innerEdges({ version: 1, blocks, nets }, placed),
    cuts: cutTensors({ version: 1, blocks, nets }, placed, columns),
  };
}

/** Activations that stay in their stage. */
function innerEdges({ blocks, nets }: BlockMap, placed: readonly PlacedBlock[]): readonly GraphEdge[] {
  return nets.flatMap(({ producer, consumers, forwardBytes }) => {
    if (forwardBytes === 0) return [];
    const { stage } = blocks[producer]!;
    const from = placed[producer]!;
    return consumers
      .filter((consumer) => blocks[consumer]!.stage === stage)
      .map((consumer) => {
        const to = placed[consumer]!;
        return { x1: from.x + BOX.width / 2, y1: from.y + BOX.height, x2: to.x + BOX.width / 2, y2: to.y };
      });
  });
}

/** One per net and reading stage. */
function cutTensors(
  { blocks, nets }: BlockMap,
  placed: readonly PlacedBlock[],
  columns: readonly StageColumn[],
): readonly CutTensor[] {
  const crossings = nets.flatMap(({ producer, consumers, forwardBytes, gradBytes }, net) => {
    const { stage: fromStage, name } = blocks[producer]!;
    const readers = new Map<number, PlacedBlock[]>();
    for (const consumer of new Set(consumers)) {
      const { stage } = blocks[consumer]!;
      if (stage === fromStage) continue;
      const own = readers.get(stage);
      if (own) own.push(placed[consumer]!);
      else readers.set(stage, [placed[consumer]!]);
    }
    const tensor = { net, producer: name, fromStage, forwardBytes, gradBytes };
    const from = placed[producer]!;
    return [...readers].map(([toStage, own]) => ({ tensor: { ...tensor, toStage }, way: { from, readers: own } }));
  });
  const routes = routeCuts(
    crossings.map(({ way }) => way),
    placed,
    columns,
  );
  return crossings.map(({ tensor }, at) => ({ ...tensor, ...routes[at]! }));
}
