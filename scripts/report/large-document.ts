/** @file A report far larger than any model needs: many blocks on eight stages, many actions on eight devices, two steps. */
import { localCluster } from "../../compiler/cluster.js";
import { compile } from "../../compiler/compile.js";
import { parseLoss } from "../../compiler/loss/spec.js";
import type { BlockMap } from "../../compiler/plan/block-map.js";
import type { Plan } from "../../compiler/plan/plan.js";
import { modelFile } from "../../models/file.js";
import { buildMlp, MLP_LOSS } from "../../models/mlp.js";
import { modelOf } from "../../runtime/model-file.js";
import type { ReportDocument } from "../../runtime/report/document.js";
import { reportDocument } from "../../runtime/report/document.js";
import { predictedStep } from "../../runtime/report/step-view.js";

const DEVICES = 8;

/** A graph of `count` blocks: a chain with a skip connection at every third block. */
export function largeGraph(count: number): BlockMap {
  const cost = { forwardMs: 1, inputGradMs: 1.1, weightGradMs: 0.9, parameterBytes: 4096, stashBytes: 65_536 };
  const blocks = Array.from({ length: count }, (_, at) => {
    const name = `layer${Math.floor(at / 10)}.block${at}`;
    return { name, stage: Math.floor((at * DEVICES) / count), nodes: [name], ...cost };
  });
  const sizes = { forwardBytes: 65_536, gradBytes: 65_536 };
  const nets = blocks.slice(1).flatMap((_, at) => {
    const skip = at % 3 === 0 && at + 7 < count ? [at + 7] : [];
    return [{ producer: at, consumers: [at + 1, ...skip], ...sizes }];
  });
  return { version: 1, blocks, nets };
}

/** A plan with `actions` in the predicted and the measured step together, and a graph of `blocks` blocks. */
export async function largeDocument(actions: number, blocks: number): Promise<ReportDocument> {
  const file = modelFile(buildMlp({ batch: 4, inputs: 8, widths: new Array<number>(16).fill(8), classes: 4 }));
  const { plan: small } = await compile(modelOf(file, "large"), {
    cluster: localCluster(DEVICES),
    pipeline: { schedule: "1f1b", microbatches: Math.round(actions / (2 * 2 * DEVICES)) },
    training: { loss: [parseLoss(MLP_LOSS)] },
    optimizer: { kind: "sgd", learningRate: 0.1, momentum: 0, weightDecay: 0 },
    partition: { model: "direct", solver: undefined },
    profile: "analytic",
  });
  const stages = small.stages.map((stage) => ({ ...stage, forwardMs: 1, inputGradMs: 1.1, weightGradMs: 0.9 }));
  const plan: Plan = { ...small, stages, files: {} };
  const { rows, spanMs } = predictedStep(plan);
  const slower = (ms: number): number => ms * 1.07;
  return reportDocument(
    plan,
    largeGraph(blocks),
    {
      version: 1,
      plan: "",
      losses: Array.from({ length: 1000 }, (_, step) => 4 / (1 + step / 100)),
      stepMs: Array.from({ length: 1000 }, () => slower(spanMs)),
      shown: {
        rows: rows.map(({ cells }) => ({
          startMs: cells.map(({ startMs }) => slower(startMs)),
          endMs: cells.map(({ endMs }) => slower(endMs)),
          updateEndMs: slower(spanMs) + 1,
        })),
      },
      host: {
        node: "20.0.0",
        platform: "linux",
        architecture: "x64",
        cpu: "a processor",
        cores: 8,
        memoryBytes: 2 ** 34,
      },
      versions: { pipewright: "0.0.0", engine: "none" },
    },
    [],
  );
}
