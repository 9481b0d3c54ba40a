/**
 * @file Ways of cut tensors through the picture of the block graph: out of the block, along a track of the gap between
 * two columns, level through the label, into each reader. Columns in between are crossed where no block is, between rows.
 */
import type { PlacedBlock, StageColumn } from "./graph-places.js";
import { BOX } from "./graph-places.js";
import { spread } from "./layers.js";

/** Least distance between two labels of one gap. */
const LABEL_GAP = 15;
/** A column is drawn this much wider than its blocks, on both sides. */
export const COLUMN_PAD = 8;
/** Parts of a gap: tracks first, then the label, then the last turn. */
const TRACKS = { from: 12, room: 36, most: 8 } as const;
const LABEL_ROOM = 84;
const TURN = 7;
/** Ways to the right end and begin a little above the middle of a block, ways to the left below it. */
const SIDE_STEP = 5;
/** Parallel ways between two rows keep this distance. */
const PARALLEL = { step: 2.5, ways: 5 } as const;

export type Point = readonly [x: number, y: number];

/** What crosses to one stage: the block that makes it and those that read it. */
export interface Crossing {
  readonly from: PlacedBlock;
  readonly readers: readonly PlacedBlock[];
}

/** The way of a crossing to each reader, in corners, and the middle of its label. The first way is whole, others branch off. */
export interface CutRoute {
  readonly ways: readonly (readonly Point[])[];
  readonly labelX: number;
  readonly labelY: number;
}

/** A crossing with what its way is made of. `sign`: 1 to the right, -1 to the left. */
interface Draft {
  readonly sign: number;
  /** Gaps by the column at their left: the one behind the producer, and the one before the reader. */
  readonly firstGap: number;
  readonly lastGap: number;
  /** Corners from the producer to where the first gap begins. */
  readonly out: readonly Point[];
  /** Height of the way over the columns in between. */
  readonly overY: number;
  readonly labelX: number;
  labelY: number;
}

/** One route per crossing. Requires: producer and readers of a crossing are in two columns, all readers in one. */
export function routeCuts(
  crossings: readonly Crossing[],
  placed: readonly PlacedBlock[],
  columns: readonly StageColumn[],
): readonly CutRoute[] {
  const ends = rowEnds(placed);
  const drafts = crossings.map((crossing, at) => draftOf(crossing, at, columns, ends));
  spreadLabels(drafts);
  const tracks = tracksOf(drafts, columns);
  return drafts.map(({ labelX, labelY, ...draft }, at) => {
    const { sign, out, overY, firstGap, lastGap } = draft;
    const [firstX, lastX] = tracks[at]!;
    const start = out.at(-1)!;
    const over: readonly Point[] =
      firstGap === lastGap
        ? [
            [firstX, start[1]],
            [firstX, labelY],
          ]
        : [
            [firstX, start[1]],
            [firstX, overY],
            [lastX, overY],
            [lastX, labelY],
          ];
    const ways = crossings[at]!.readers.map((reader, place) => {
      const begin: readonly Point[] = place === 0 ? [...out, ...over] : [[labelX, labelY]];
      return [...begin, ...wayIn(reader, sign, labelY, columns, ends)];
    });
    return { ways, labelX, labelY };
  });
}

/** Left edges of the outermost blocks of each row of each column. */
type RowEnds = ReadonlyMap<string, readonly [left: number, right: number]>;

function rowEnds(placed: readonly PlacedBlock[]): RowEnds {
  const ends = new Map<string, readonly [number, number]>();
  for (const { block, x, y } of placed) {
    const key = `${block.stage} ${y}`;
    const [left, right] = ends.get(key) ?? [x, x];
    ends.set(key, [Math.min(left, x), Math.max(right, x)]);
  }
  return ends;
}

/** Whether nothing stands between a block and the edge of its column on that side. */
function isFree({ block, x, y }: PlacedBlock, sign: number, ends: RowEnds): boolean {
  const [left, right] = ends.get(`${block.stage} ${y}`)!;
  return x === (sign > 0 ? right : left);
}

/** X of the side of a block. */
function side({ x }: PlacedBlock, sign: number): number {
  return sign > 0 ? x + BOX.width : x;
}

/** Where ways of a direction leave and enter a block. */
function doorY({ y }: PlacedBlock, sign: number): number {
  return y + BOX.height / 2 - sign * SIDE_STEP;
}

function draftOf({ from, readers }: Crossing, at: number, columns: readonly StageColumn[], ends: RowEnds): Draft {
  const [fromStage, toStage] = [from.block.stage, readers[0]!.block.stage];
  const sign = Math.sign(toStage - fromStage);
  const middle = doorY(from, sign);
  const begin: Point = [side(from, sign), middle];
  const turnX = begin[0] + (sign * BOX.gapX) / 2;
  const belowY = from.y + BOX.height + BOX.gapY / 2 + parallel(at);
  const out: readonly Point[] = isFree(from, sign, ends) ? [begin] : [begin, [turnX, middle], [turnX, belowY]];
  const column = columns[toStage]!;
  const labelX = gapEdge(column, -sign) - sign * (TURN * 2 + LABEL_ROOM / 2);
  return {
    sign,
    firstGap: sign > 0 ? fromStage : fromStage - 1,
    lastGap: sign > 0 ? toStage - 1 : toStage,
    out,
    overY: readers[0]!.y - BOX.gapY / 2 + parallel(at),
    labelX,
    labelY: entryY(readers[0]!, sign, ends),
  };
}

function parallel(at: number): number {
  return ((at % PARALLEL.ways) - (PARALLEL.ways - 1) / 2) * PARALLEL.step;
}

/** X where a column, as drawn, ends on a side. */
function gapEdge({ x, width }: StageColumn, sign: number): number {
  return sign > 0 ? x + width + COLUMN_PAD : x - COLUMN_PAD;
}

/** Height at which a reader is come to: its middle, or the way above its row. */
function entryY(reader: PlacedBlock, sign: number, ends: RowEnds): number {
  return isFree(reader, -sign, ends) ? doorY(reader, sign) : reader.y - BOX.gapY / 2;
}

/** From the level of the label to a reader. */
function wayIn(
  reader: PlacedBlock,
  sign: number,
  labelY: number,
  columns: readonly StageColumn[],
  ends: RowEnds,
): readonly Point[] {
  const turnX = gapEdge(columns[reader.block.stage]!, -sign) - sign * TURN;
  const y = entryY(reader, sign, ends);
  const end: Point = [side(reader, -sign), doorY(reader, sign)];
  const last: readonly Point[] = isFree(reader, -sign, ends)
    ? [end]
    : [[end[0] - (sign * BOX.gapX) / 2, y], [end[0] - (sign * BOX.gapX) / 2, end[1]], end];
  return [[turnX, labelY], [turnX, y], ...last];
}

/** Moves the labels of each gap apart, below the heads of the columns. */
function spreadLabels(drafts: readonly Draft[]): void {
  const gaps = new Set(drafts.map(({ labelX }) => labelX));
  for (const gap of gaps) {
    const own = drafts.filter(({ labelX }) => labelX === gap).sort((a, b) => a.labelY - b.labelY);
    const heights = spread(
      own.map(({ labelY }) => labelY),
      LABEL_GAP,
    );
    const shift = Math.max(0, BOX.headY + LABEL_GAP - heights[0]!);
    own.forEach((draft, at) => (draft.labelY = heights[at]! + shift));
  }
}

/** X of each draft's tracks in its first and its last gap. Ways up and ways down are ordered so that they do not cross. */
function tracksOf(drafts: readonly Draft[], columns: readonly StageColumn[]): readonly (readonly [number, number])[] {
  const tracks = drafts.map((): [number, number] => [0, 0]);
  const uses = drafts.flatMap((draft, at) => {
    const startY = draft.out.at(-1)![1];
    const { sign, firstGap, lastGap, overY, labelY } = draft;
    if (firstGap === lastGap) return [{ at, sign, gap: firstGap, fromY: startY, toY: labelY }];
    return [
      { at, sign, gap: firstGap, fromY: startY, toY: overY },
      { at, sign, gap: lastGap, fromY: overY, toY: labelY },
    ];
  });
  const groups = new Set(uses.map(({ gap, sign }) => `${gap} ${sign}`));
  for (const group of groups) {
    const own = uses.filter(({ gap, sign }) => `${gap} ${sign}` === group);
    const up = own.filter(({ fromY, toY }) => toY <= fromY).sort((a, b) => a.toY - b.toY);
    const down = own.filter(({ fromY, toY }) => toY > fromY).sort((a, b) => b.toY - a.toY);
    const step = Math.min(TRACKS.most, TRACKS.room / own.length);
    [...up, ...down].forEach(({ at, sign, gap }, place) => {
      const edge = sign > 0 ? gapEdge(columns[gap]!, 1) : gapEdge(columns[gap + 1]!, -1);
      const x = edge + sign * (TRACKS.from + place * step);
      const { firstGap, lastGap } = drafts[at]!;
      if (gap === firstGap) tracks[at]![0] = x;
      if (gap === lastGap) tracks[at]![1] = x;
    });
  }
  return tracks;
}
