/** @file The public surface of the runtime: `import { … } from "pipewright/runtime"`. */
export { openDataset } from "./dataset/open.js";
export type { Dataset } from "./dataset/dataset.js";
export { nodeEnv } from "./env/node.js";
export { loadModel, loadWeights } from "./model-file.js";
export type { LoadedModel } from "./model-file.js";
export { readPlan, writePlan } from "./plan/directory.js";
export { measureProfile } from "./measure.js";
export { train } from "./train.js";
export type { StepReport, TrainOptions } from "./train.js";
export { withWeights } from "./trained-model.js";
export { verifyPlans } from "./verify.js";
