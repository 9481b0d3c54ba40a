/**
 * @file Names that do harm where they are shown: each is given to everything of a model and a plan that has a name, and
 * goes through everything that prints. The meaning stays: the renamed model trains as the plain one does.
 */
import { describe, expect, it } from "vitest";
import { PipewrightError } from "../../compiler/errors.js";
import { literalOf } from "../../compiler/ir/literal.js";
import { parseLoss } from "../../compiler/loss/spec.js";
import { compile } from "../../compiler/compile.js";
import { localCluster } from "../../compiler/cluster.js";
import { whyText } from "../../runtime/cli/render/why.js";
import type { Compiled } from "../../compiler/compile.js";
import { printPlan } from "../../compiler/plan/print.js";
import { modelOf, startValues } from "../../runtime/model-file.js";
import { writePlan } from "../../runtime/plan/directory.js";
import { simulatedEnv } from "../support/simulated-env.js";
import { SGD } from "../support/tiny-models.js";
import { modelBytes } from "../support/proto-model.js";
import { pipewright } from "../support/shell.js";
