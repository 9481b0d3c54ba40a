/** @file From a model to something that trains: random ops made repeatable, statistics followed, loss attached, parameters chosen, gradients appended. */
import type { Differentiated } from "./autodiff/differentiated.js";
import { differentiate } from "./autodiff/differentiate.js";
import { withOwnViews } from "./autodiff/own-views.js";
import { PipewrightError } from "./errors.js";
import type { Graph, Value } from "./ir/graph.js";
import { chooseParameters } from "./ir/parameter-patterns.js";
import { attachLoss } from "./loss/attach.js";
import type { LossSpec } from "./loss/spec.js";
import type { OpTable } from "./ops/define.js";
import type { BatchNormMode } from "./plan/plan.js";
import type { WantedResult } from "./plan/ports.js";
import { repeatableRandomness } from "./repeatable.js";
import { followStatistics, runningStatistics } from "./running-statistics.js";

/** What to train a model for. */
export interface TrainingOptions {
  /** Terms of the loss. Empty: the model's only scalar output. */
  readonly loss: readonly LossSpec[];
  /** Patterns of the parameters that train, see ir/parameter-patterns.ts. Left out: every float parameter that the loss reaches. */
  readonly trainable?: readonly string[];
  /** Mode of all BatchNormalization. Left out: as the model says. */
  readonly batchNorm?: BatchNormMode;
  /** Also hand out the model's outputs and the gradients of its float inputs, for checking. Costs memory and copies. */
  readonly withOutputs?: boolean;
}

/** A model that is ready to be profiled and cut. */
export interface TrainingGraph {
  readonly differentiated: Differentiated;
  /** Graph inputs that bring targets. */
  readonly targets: readonly Value[];
  /** The loss first; then, if asked for, outputs by name and input gradients as "NAME/grad". */
  readonly results: readonly WantedResult[];
}

/**
 * Requires: a verified forward graph.
 * Ensures: every trained parameter is float32 and has a gradient.
 * @throws LOSS_UNKNOWN, MODEL_UNSUPPORTED with all reasons, USAGE for a pattern that matches nothing.
 */
export function trainingGraph(source: Graph, ops: OpTable, options: TrainingOptions): TrainingGraph {
  const { graph: repeatable } = repeatableRandomness(source, ops);
  const model = followStatistics(repeatable, ops, options.batchNorm);
  const { graph: attached, loss, targets } = attachLoss(model, ops, options.loss);
  const graph = options.withOutputs ? attached : { ...attached, outputs: [] };
  const params = trainableParameters(model, ops, options.trainable);
  const inputs = options.withOutputs ? model.inputs.filter(({ type }) => type.dtype === "float32") : [];
  const whole = differentiate(graph, ops, { seeds: [{ output: loss }], wrt: [...params, ...inputs] });
  const differentiated = withOwnViews(whole, ops);
  if (differentiated.parameterGrads.length === 0) {
    const doubles = model.params.filter(({ type }) => type.dtype === "float64").length;
    if (params.length === 0 && doubles > 0) {
      throw new PipewrightError(
        "MODEL_UNSUPPORTED",
        `model: its parameters are float64, and training is in float32; got ${doubles} of float64, none of float32. Export the model in float32.`,
      );
    }
    throw new PipewrightError(
      "MODEL_UNSUPPORTED",
      `loss: it depends on no trainable parameter; got ${params.length} candidates. Check --loss and --trainable.`,
    );
  }
  const outputs = options.withOutputs ? model.outputs.filter(({ id }) => id !== loss.id) : [];
  const results: WantedResult[] = [
    { name: "loss", value: loss },
    ...outputs.map((value) => ({ name: value.name, value })),
    ...differentiated.inputGrads.map(({ of, grad }) => ({ name: `${of.name}/grad`, value: grad })),
  ];
  return { differentiated, targets, results };
}

/** float32 parameters that the patterns choose, without running statistics and what else the forward pass replaces. */
function trainableParameters(graph: Graph, ops: OpTable, patterns: readonly string[] | undefined): readonly Value[] {
  const kept = new Set([...runningStatistics(graph, ops), ...graph.states.map(({ param }) => param.id)]);
  const candidates = graph.params.filter(({ id, type }) => type.dtype === "float32" && !kept.has(id));
  return patterns ? chooseParameters(candidates, patterns, graph.params, "--trainable") : candidates;
}
