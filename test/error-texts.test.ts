/** @file Every error code with the whole text of one of its errors: messages are part of the product. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ErrorCode } from "../compiler/errors.js";
import { EXIT_CODE, PipewrightError } from "../compiler/errors.js";
import { modelFile } from "../models/file.js";
import { buildMlp, MLP_LOSS } from "../models/mlp.js";
import { refuseMismatch } from "../runtime/cli/commands/verify.js";
import { interrupted } from "../runtime/cli/turns.js";
import { onnxModel } from "./support/onnx-model.js";
import { pipewright } from "./support/shell.js";

const folder = mkdtempSync(join(tmpdir(), "pipewright-errors-"));
const before = process.cwd();
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

const float = (...shape: number[]) => ({ dtype: "float32", shape }) as const;
const samples = (rows: readonly string[]) => ["x.0,x.1,labels", ...rows].join("\n");

beforeAll(async () => {
  process.chdir(folder);
  writeFileSync("garbage.onnx", "not a model");
  writeFileSync("mlp.onnx", modelFile(buildMlp({ batch: 4, inputs: 2, widths: [8, 8], classes: 2 })));
  const matMul = { op: "MatMul", inputs: ["a", "b"], outputs: ["y"] };
  writeFileSync("mismatch.onnx", onnxModel([matMul], { a: float(2, 3), b: float(4, 5) }, { y: float(2, 5) }));
  const gelo = { op: "Gelo", inputs: ["a"], outputs: ["y"], name: "act" };
  writeFileSync("unknown.onnx", onnxModel([gelo], { a: float(2, 3) }, { y: float(2, 3) }));
  const tanh = { op: "Tanh", inputs: ["a"], outputs: ["y"] };
  writeFileSync("free.onnx", onnxModel([tanh], { a: float(-1, 3) }, { y: float(-1, 3) }));
  writeFileSync("ends.mjs", "export default async function* () { process.exit(3); }\n");
  writeFileSync("huge.csv", samples(Array<string>(16).fill("3e38,3e38,1")));
  writeFileSync("short.csv", "x.0,x.1\n1,2\n3,4\n");
  const words = ["partition", "mlp.onnx", "--loss", MLP_LOSS, "--analytic", "-m", "4", "--schedule", "1f1b", "-q"];
  const { exitCode, stderr } = await pipewright([...words, "-o", "plan"]);
  if (exitCode !== 0) throw new Error(stderr);
});

/** How an error of a code is brought about: a command line, or a call where no command line does it at will. */
interface Case {
  readonly run: readonly string[] | (() => unknown);
  readonly text: string;
}

const CASES: Readonly<Record<ErrorCode, Case>> = {
  USAGE: {
    run: ["schedule", "--devices", "two"],
    text: '--devices: cannot read "two"; expected one of cpu, cuda, webgpu.',
  },
  DIM_UNBOUND: {
    run: ["partition", "free.onnx", "--analytic", "--loss", "mse:y=t"],
    text: "free.onnx: model: a dim has no size: a.0 (axis 0 of input a). Give --bind a.0=SIZE.",
  },
  LOSS_UNKNOWN: {
    run: ["partition", "mlp.onnx", "--analytic", "--loss", "mse:logit=t"],
    text: "loss: the model has no output logit; it has logits float32[4,2]. Did you mean logits?",
  },
  MODEL_MALFORMED: {
    run: ["inspect", "garbage.onnx"],
    text: "garbage.onnx: model file: no ONNX model; this is a text file.",
  },
  SHAPE_MISMATCH: {
    run: ["inspect", "mismatch.onnx"],
    text: "mismatch.onnx: node y (MatMul): inner sizes differ; got [2,3] times [4,5], expected the last axis of input 0 (3) to equal axis -2 of input 1 (4).",
  },
  MODEL_UNSUPPORTED: {
    run: ["inspect", "unknown.onnx"],
    text: "unknown.onnx: model: a node is not supported:\n  act (Gelo): operator Gelo is not supported; the closest one is Gelu.\n  Replace it in the model, or export with other operators.",
  },
  LIMIT_EXCEEDED: {
    run: ["inspect", "mlp.onnx", "--limit", "nodes=2"],
    text: "mlp.onnx: number of nodes is over the limit; got 3, the limit is 2. Raise it with --limit nodes=3.",
  },
  FILE: {
    run: ["inspect", "nowhere.onnx"],
    text: "nowhere.onnx: cannot be read; there is no such file or directory. Check the path.",
  },
  PLAN_INFEASIBLE: {
    run: ["schedule", "--devices", "4", "-m", "8", "--schedule", "gpipe", "--memory", "4"],
    text: "schedule gpipe: device 0 keeps too many activations; got 8, expected at most 4. Choose --schedule auto or give more memory.",
  },
  ARTEFACT_MISMATCH: {
    run: ["train", "plan", "--data", "short.csv", "-q"],
    text: 'data short.csv: no array for the input "labels"; got "x". Save the array under this name, or give --data labels=FILE.',
  },
  TRAINING_FAULT: {
    run: ["train", "plan", "--data", "ends.mjs", "-q"],
    text: "data: the process that reads samples ended with exit code 3. Training stopped; run it again.",
  },
  LOSS_NOT_FINITE: {
    run: ["train", "plan", "--data", "huge.csv", "-q"],
    text: 'step 1: the loss of microbatch 0 is NaN; the first Infinity is in "MatMul_0_0" of stage 0, which MatMul (node "MatMul_0") makes of finite inputs. Lower the learning rate, or check the data.',
  },
  VERIFY_MISMATCH: {
    run: () =>
      refuseMismatch("plan", {
        equal: false,
        maxRelativeError: 0.25,
        tensors: [
          { name: "w", isEqual: false, relativeError: 0.25 },
          { name: "b", isEqual: true, relativeError: 0 },
        ],
      }),
    text: "plan: 1 of 2 tensors differ from one device, by at most 0.250; got other bits for w, expected the same. Report it with the model.",
  },
  INTERRUPTED: {
    run: () => {
      throw interrupted("SIGINT");
    },
    text: "profile: it was stopped by SIGINT; nothing was written. Run it again, or give --analytic to profile nothing.",
  },
  SCHEDULE_INVALID: {
    run: ["schedule", "--devices", "4", "-m", "8", "--schedule", "dualpipe", "--csv", "out.csv"],
    text: "schedule dualpipe: PyTorch cannot run it; got 2 copies of the model (PyTorch runs one) expected none of these. Choose another schedule or placement.",
  },
};

/** Error code and text. */
async function outcome(run: Case["run"]): Promise<readonly [code: string, text: string]> {
  if (typeof run === "function") {
    try {
      run();
    } catch (error) {
      if (error instanceof PipewrightError) return [error.code, error.message];
    }
    throw new Error("nothing was thrown");
  }
  const { stdout, exitCode } = await pipewright([...run, "--json"]);
  const { error } = JSON.parse(stdout) as { error: { code: ErrorCode; message: string; exitCode: number } };
  expect([exitCode, error.exitCode]).toEqual([EXIT_CODE[error.code], EXIT_CODE[error.code]]);
  return [error.code, error.message];
}

describe("every error code", () => {
  it("has a case here", () => expect(Object.keys(CASES).sort()).toEqual(Object.keys(EXIT_CODE).sort()));

  it.each(Object.entries(CASES))("%s says what is wrong and what to do", async (code, { run, text }) => {
    expect(await outcome(run)).toEqual([code, text]);
  });
});

describe("typing errors", () => {
  it.each([
    [["schedule", "--devces", "2"], "unknown option '--devces'. Did you mean --devices?"],
    [["inspct", "mlp.onnx"], "unknown command 'inspct'. Did you mean inspect?"],
    [["schedule", "--set", "microbatchs=2"], "Did you mean microbatches?"],
    [["schedule", "--devices", "2", "--schedule", "zb-h3"], "Did you mean zb-h1?"],
    [["inspect", "unknown.onnx"], "the closest one is Gelu."],
    [["inspect", "free.onnx", "--bind", "a.O=3"], "Did you mean a.0?"],
    [["inspect", "mlp.onnx", "--input-shape", "y=4,2"], "Did you mean x?"],
    [["inspect", "mlp.onnx", "--loss", "mse:logit=t"], "Did you mean logits?"],
    [["inspect", "mlp.onnx", "--loss", "nse:logits=t"], "Did you mean mse?"],
    [["partition", "mlp.onnx", "--analytic", "--loss", MLP_LOSS, "--pin", "MatMul_1=0"], "Did you mean MatMul_0?"],
    [["inspect", "mlp.onnx", "--limit", "node=2"], "Did you mean nodes?"],
    [["train", "plan", "--data", "hugo.csv"], "hugo.csv"],
  ] as const)("%j are answered with the name that was meant", async (words, hint) => {
    const { exitCode, stderr } = await pipewright(words);
    expect(exitCode).toBeGreaterThan(1);
    expect(stderr).toContain(hint);
  });
});
