/** @file The JSON documents of plans and runs. Their members are part of the command line's contract. */
import type { Plan } from "../../compiler/plan/plan.js";
import type { Verification } from "../verify.js";
import { planPrecision, precisionJson } from "./render/precision.js";
import type { Planned } from "./planning.js";

/** What `partition --json` prints. */
export function partitionJson({ plan, directory, solveMs, why }: Planned) {
  const { certificate, solver, model } = plan.partition;
  const { name, forecast } = plan.schedule;
  return {
    model: {
      nodes: plan.model.nodes,
      blocks: plan.model.blocks,
      parameters: plan.model.parameters,
      ...precisionJson(planPrecision(plan)),
    },
    profile: plan.profile,
    partition: {
      status: certificate.status,
      bottleneckMs: certificate.bottleneckMs,
      boundMs: certificate.boundMs,
      gap: certificate.gap,
      ownBoundMs: certificate.ownBoundMs,
      model,
      solver,
      solveMs,
      stages: stagesJson(plan),
    },
    schedule: { name, ...forecast },
    why,
    plan: directory,
  };
}

function stagesJson({ stages, devices }: Plan) {
  return stages.map((stage) => ({
    index: stage.index,
    device: devices[stage.device]!.name,
    nodes: stage.nodes,
    parameterBytes: stage.parameterBytes,
    forwardMs: stage.forwardMs,
    inputGradMs: stage.inputGradMs,
    weightGradMs: stage.weightGradMs,
    sendBytes: stage.sendBytes,
    peakBytes: stage.peakBytes,
    recomputed: stage.recomputed,
  }));
}

/** What `verify --json` prints: `tensors` counts them, `unequal` names the ones that differ. */
export function verifyJson(
  { equal, maxRelativeError, tensors }: Verification,
  plan: Pick<Plan, "model" | "parameters">,
) {
  return {
    ...precisionJson(planPrecision(plan)),
    equal,
    maxRelativeError,
    tensors: tensors.length,
    unequal: tensors.filter(({ isEqual }) => !isEqual).map(({ name, relativeError }) => ({ name, relativeError })),
  };
}
