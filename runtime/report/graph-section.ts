/** @file The part of the report page about the model: its blocks on their stages, and what crosses between them. */
import { formatBytes, formatMs } from "./format.js";
import { graphNumbers, graphSvg, MOST_SVG_BLOCKS } from "./graph-picture.js";
import type { GraphView } from "./graph-view.js";
import { graphView } from "./graph-view.js";
import type { ReportDocument } from "./document.js";
import type { Markup } from "./markup.js";
import { markup, pictureTable, scriptJson } from "./markup.js";
import { section, zoomControls } from "./sections.js";

/** Blocks coloured by stage. A plan without a block graph shows its stages as a table only. */
export function graphSection(document: ReportDocument): Markup {
  const { plan, blocks } = document;
  const stages = stageTable(document);
  if (!blocks) {
    return section("graph", "Stages", "This plan holds no block graph, so there is no picture of it.", stages);
  }
  const view = graphView(blocks, plan.stages.length);
  const count = new Set(view.cuts.map(({ net }) => net)).size;
  const lead = `${blocks.blocks.length} blocks on ${plan.stages.length} stages. ${count} ${count === 1 ? "tensor crosses" : "tensors cross"} between stages, labelled with the bytes of one microbatch (→ forward, ← gradient, ⇄ both alike). The bar in a block is its share of the costliest block's time.`;
  const search = markup`<label>Find <input type="search" placeholder="block or node" autocomplete="off"></label><span class="found" aria-live="polite"></span>`;
  return section(
    "graph",
    "Stages on the model",
    lead,
    markup`<figure class="view model">${zoomControls(search)}<div class="scroller" tabindex="0" role="region" aria-label="Block graph">${picture(view, document)}</div><output class="readout"> </output></figure>${stages}${pictureTable(
      "Table of cut tensors",
      [
        { title: "made by" },
        { title: "from stage", isNumber: true },
        { title: "to stage", isNumber: true },
        { title: "forward", isNumber: true },
        { title: "gradient", isNumber: true },
      ],
      view.cuts.map(({ producer, fromStage, toStage, forwardBytes, gradBytes }) => [
        producer,
        String(fromStage),
        String(toStage),
        formatBytes(forwardBytes),
        formatBytes(gradBytes),
      ]),
    )}${pictureTable(
      "Table of blocks",
      [
        { title: "block" },
        { title: "stage", isNumber: true },
        { title: "nodes", isNumber: true },
        { title: "F", isNumber: true },
        { title: "I", isNumber: true },
        { title: "W", isNumber: true },
        { title: "parameters", isNumber: true },
      ],
      blocks.blocks.map(({ name, stage, nodes, forwardMs, inputGradMs, weightGradMs, parameterBytes }) => [
        name,
        String(stage),
        String(nodes.length),
        formatMs(forwardMs),
        formatMs(inputGradMs),
        formatMs(weightGradMs),
        formatBytes(parameterBytes),
      ]),
    )}`,
  );
}

function picture(view: GraphView, { plan }: ReportDocument): Markup {
  if (view.blocks.length <= MOST_SVG_BLOCKS) return graphSvg(view, plan);
  return markup`<noscript><p>A graph of ${view.blocks.length} blocks is drawn by a script; the table below has them all.</p></noscript><script type="application/json" class="numbers">${scriptJson(graphNumbers(view))}</script>`;
}

function stageTable({ plan }: ReportDocument): Markup {
  return pictureTable(
    "Table of stages",
    [
      { title: "stage", isNumber: true },
      { title: "device" },
      { title: "nodes", isNumber: true },
      { title: "parameters", isNumber: true },
      { title: "F", isNumber: true },
      { title: "I", isNumber: true },
      { title: "W", isNumber: true },
      { title: "sends", isNumber: true },
      { title: "peak memory", isNumber: true },
    ],
    plan.stages.map((stage) => [
      String(stage.index),
      plan.devices[stage.device]!.name,
      String(stage.nodes),
      formatBytes(stage.parameterBytes),
      formatMs(stage.forwardMs),
      formatMs(stage.inputGradMs),
      formatMs(stage.weightGradMs),
      formatBytes(stage.sendBytes),
      formatBytes(stage.peakBytes),
    ]),
  );
}
