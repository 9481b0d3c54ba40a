/** @file The block graph as a picture: an SVG when it is small, numbers for the page's canvas when it is not. */
import type { MappedBlock } from "../../compiler/plan/block-map.js";
import type { Plan } from "../../compiler/plan/plan.js";
import { computeMs } from "../../compiler/compute-ms.js";
import { formatBytes, formatMs } from "./format.js";
import type { Point } from "./cut-routes.js";
import { COLUMN_PAD } from "./cut-routes.js";
import type { PlacedBlock, StageColumn } from "./graph-places.js";
import { BOX } from "./graph-places.js";
import type { CutTensor, GraphEdge, GraphView } from "./graph-view.js";
import type { Markup } from "./markup.js";
import { markup } from "./markup.js";

/** Most blocks of an SVG; more are drawn on a canvas. */
export const MOST_SVG_BLOCKS = 1500;
/** Stage colours of the style sheet. */
const STAGE_COLOURS = 8;
/** More cuts between two stages share one label. */
const MOST_LABELS = 24;
const LABEL_LETTERS = 18;
/** Radius of the corners of a way, in px. */
const CORNER = 7;

/** "s3": the class of a stage's colour. */
export function stageClass(stage: number): string {
  return `s${stage % STAGE_COLOURS}`;
}

/** What is said of a block: names, then costs. */
function describeBlock({ name, stage, nodes, ...cost }: MappedBlock): string {
  const times = `F ${formatMs(cost.forwardMs)}, I ${formatMs(cost.inputGradMs)}, W ${formatMs(cost.weightGradMs)}`;
  const sizes = `parameters ${formatBytes(cost.parameterBytes)}, kept per microbatch ${formatBytes(cost.stashBytes)}`;
  const more = nodes.length > 1 ? ` and ${nodes.length - 1} more` : "";
  return `${name}${more}, stage ${stage}: ${times}; ${sizes}`;
}

/** The whole picture as SVG. */
export function graphSvg(view: GraphView, plan: Plan): Markup {
  const most = view.blocks.reduce((slowest, { block }) => Math.max(slowest, computeMs(block)), 0);
  return markup`<svg class="graph" width="${view.width}" height="${view.height}" viewBox="0 0 ${view.width} ${view.height}" role="group" aria-label="Blocks of the model by stage">
${view.columns.map((column) => columnMarkup(column, view, plan))}
<path class="edge" d="${view.edges.map(edgePath).join("")}"/>
${view.cuts.map(cutMarkup)}${view.blocks.map((placed, at) => blockMarkup(placed, most, at))}
${cutLabels(view.cuts).map(({ x, y, text, about }) => markup`<g class="label"><title>${about}</title><text x="${x}" y="${y + 4}">${text}</text></g>\n`)}</svg>`;
}

/** The way of a cut tensor in the colour of its stage, with an arrow at each reader. */
function cutMarkup(cut: CutTensor): Markup {
  const kind = `cut ${stageClass(cut.fromStage)}${cut.forwardBytes === 0 ? " back" : ""}`;
  const heads = cut.ways.map((way) => {
    const [x, y] = way.at(-1)!;
    const sign = Math.sign(x - way.at(-2)![0]);
    return `M${tenth(x)} ${tenth(y)}l${-7 * sign} -4v8z`;
  });
  return markup`<g class="${kind}"><title>${aboutCut(cut)}</title><path d="${cut.ways.map(roundedPath).join("")}"/><path class="tip" d="${heads.join("")}"/></g>\n`;
}

/** SVG path data through the corners, with round ones. */
function roundedPath(points: readonly Point[]): string {
  const corners = points.filter(([x, y], at) => at === 0 || x !== points[at - 1]![0] || y !== points[at - 1]![1]);
  return corners
    .map(([x, y], at) => {
      const [before, after] = [corners[at - 1], corners[at + 1]];
      if (!before) return `M${tenth(x)} ${tenth(y)}`;
      if (!after) return `L${tenth(x)} ${tenth(y)}`;
      const radius = Math.min(CORNER, distance(before, [x, y]) / 2, distance(after, [x, y]) / 2);
      const [[ax, ay], [bx, by]] = [towards([x, y], before, radius), towards([x, y], after, radius)];
      return `L${tenth(ax)} ${tenth(ay)}Q${tenth(x)} ${tenth(y)} ${tenth(bx)} ${tenth(by)}`;
    })
    .join("");
}

function distance([ax, ay]: Point, [bx, by]: Point): number {
  return Math.abs(bx - ax) + Math.abs(by - ay);
}

/** The point at that distance from one corner to another on a line along an axis. */
function towards([x, y]: Point, [toX, toY]: Point, length: number): Point {
  return [x + Math.sign(toX - x) * length, y + Math.sign(toY - y) * length];
}

function tenth(number: number): number {
  return Math.round(number * 10) / 10;
}

function columnMarkup({ stage, x, width }: StageColumn, { height }: GraphView, { stages, devices }: Plan): Markup {
  const { device, nodes } = stages[stage]!;
  const ms = formatMs(computeMs(stages[stage]!));
  const middle = x + width / 2;
  return markup`<g class="column ${stageClass(stage)}" data-stage="${stage}"><rect x="${x - COLUMN_PAD}" y="4" width="${width + 2 * COLUMN_PAD}" height="${height - 8}" rx="10"/><text class="head" x="${middle}" y="24">stage ${stage} · ${shortened(devices[device]!.name, 14)}</text><text class="sub" x="${middle}" y="40">${nodes} nodes, ${ms}</text></g>\n`;
}

function blockMarkup({ block, x, y }: PlacedBlock, mostMs: number, at: number): Markup {
  const cost = (mostMs > 0 ? computeMs(block) / mostMs : 0) * (BOX.width - 8);
  const names = block.nodes.length > 1 ? block.nodes.join(" ") : undefined;
  return markup`<g class="block ${stageClass(block.stage)}" role="img" data-stage="${block.stage}" tabindex="${at === 0 ? 0 : -1}"${names === undefined ? undefined : markup` data-nodes="${names}"`}><title>${describeBlock(block)}</title><rect x="${x}" y="${y}" width="${BOX.width}" height="${BOX.height}" rx="5"/><rect class="cost" x="${x + 4}" y="${y + BOX.height - 5}" width="${cost}" height="3" rx="1.5"/><text x="${x + BOX.width / 2}" y="${y + 15}">${shortened(block.name, LABEL_LETTERS)}</text></g>\n`;
}

/** SVG path data of one edge within a stage. */
function edgePath({ x1, y1, x2, y2 }: GraphEdge): string {
  const [a, b, c, d, middle] = [x1, y1, x2, y2, (y1 + y2) / 2].map(tenth) as [number, number, number, number, number];
  return a === c ? `M${a} ${b}V${d}` : `M${a} ${b}C${a} ${middle} ${c} ${middle} ${c} ${d}`;
}

/** A label of one or more cut tensors. */
export interface CutLabel {
  readonly x: number;
  readonly y: number;
  readonly text: string;
  readonly about: string;
}

/** One label per tensor; where too many cross between the same two stages, one for all of them. */
function cutLabels(cuts: readonly CutTensor[]): readonly CutLabel[] {
  const pairs = new Map<string, CutTensor[]>();
  for (const cut of cuts) {
    const pair = `${cut.fromStage} ${cut.toStage}`;
    const list = pairs.get(pair);
    if (list) list.push(cut);
    else pairs.set(pair, [cut]);
  }
  return [...pairs.values()].flatMap((list): readonly CutLabel[] => {
    const label = (cut: CutTensor): CutLabel => ({
      x: cut.labelX,
      y: cut.labelY,
      text: cutText(cut),
      about: aboutCut(cut),
    });
    if (list.length <= MOST_LABELS) return list.map(label);
    const sum = (of: (cut: CutTensor) => number): number => list.reduce((total, cut) => total + of(cut), 0);
    const forwardBytes = sum((cut) => cut.forwardBytes);
    const gradBytes = sum((cut) => cut.gradBytes);
    const text = `${list.length} tensors, ${formatBytes(forwardBytes + gradBytes)}`;
    return [{ ...label({ ...list[list.length >> 1]!, forwardBytes, gradBytes }), text }];
  });
}

/** What is said of a cut tensor. */
function aboutCut({ producer, fromStage, toStage, forwardBytes, gradBytes }: Omit<CutTensor, "ways">): string {
  return `${producer}, stage ${fromStage} to ${toStage}: ${formatBytes(forwardBytes)} forward, ${formatBytes(gradBytes)} back`;
}

function cutText({ forwardBytes, gradBytes }: Pick<CutTensor, "forwardBytes" | "gradBytes">): string {
  if (forwardBytes === 0) return `← ${formatBytes(gradBytes)}`;
  if (gradBytes === 0) return `${formatBytes(forwardBytes)} →`;
  if (gradBytes === forwardBytes) return `${formatBytes(forwardBytes)} ⇄`;
  return `${formatBytes(forwardBytes)} → ${formatBytes(gradBytes)} ←`;
}

/** The last part of a long name: names of one model begin alike. */
function shortened(name: string, letters: number): string {
  const characters = [...name];
  return characters.length <= letters ? name : `…${characters.slice(1 - letters).join("")}`;
}

/** The same picture for the canvas of the page: numbers in the order of the view. */
export function graphNumbers(view: GraphView) {
  const round = Math.round;
  return {
    width: round(view.width),
    height: round(view.height),
    box: [BOX.width, BOX.height],
    columns: view.columns.map(({ stage, x, width }) => [stage, round(x), round(width)]),
    blocks: view.blocks.map(({ block, x, y }) => [round(x), round(y), block.stage]),
    names: view.blocks.map(({ block }) => block.name),
    costs: view.blocks.map(({ block: { forwardMs, inputGradMs, weightGradMs } }) =>
      [forwardMs, inputGradMs, weightGradMs].map((ms) => Number(ms.toPrecision(4))),
    ),
    edges: view.edges.flatMap(({ x1, y1, x2, y2 }) => [x1, y1, x2, y2].map(round)),
    cuts: view.cuts.map(({ fromStage, forwardBytes, ways }) => ({
      stage: fromStage,
      back: forwardBytes === 0,
      ways: ways.map((way) => way.flat().map(round)),
    })),
    labels: cutLabels(view.cuts).map(({ x, y, text }) => [round(x), round(y), text]),
  };
}
