/** @file Runs that end early, as users see it: interrupted twice, and with a loss that is not a number. */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { modelFile } from "../../models/file.js";
import { buildMlp, MLP_LOSS } from "../../models/mlp.js";
import { CheckpointStore } from "../../runtime/checkpoint/store.js";
import { nodeFiles } from "../../runtime/env/node-files.js";
import { compiledUrl } from "../support/compiled.js";
import { pipewright } from "../support/shell.js";
import { isRunning, until } from "../support/watched-workers.js";

const folder = mkdtempSync(join(tmpdir(), "pipewright-ending-"));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

/** Steps for which the tape below has samples. */
const TAPE_STEPS = 3;

beforeAll(async () => {
  writeFileSync(at("mlp.onnx"), modelFile(buildMlp({ batch: 2, inputs: 3, widths: [4, 4], classes: 2 })));
  const partition = ["partition", at("mlp.onnx"), "--loss", MLP_LOSS, "--analytic", "-d", "2", "-m", "2"];
  for (const more of [
    ["-o", at("plan")],
    ["-o", at("steep"), "--optimizer", "sgd:lr=1e30"],
  ]) {
    const { exitCode, stderr } = await pipewright([...partition, ...more]);
    if (exitCode !== 0) throw new Error(stderr);
  }
  const samples = 4 * TAPE_STEPS;
  writeFileSync(
    at("tape.mjs"),
    `export default async function* () {
      for (let at = 0; at < ${samples}; at++) yield { x: [at, 0, 1], labels: at % 2 };
      await new Promise((resolve) => setTimeout(resolve, 1e8));
    }`,
  );
});

/** Processes whose parent is `pid`. */
function childrenOf(pid: number): readonly number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      return Number(stat.slice(stat.lastIndexOf(")") + 4).split(" ")[0]) === pid ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** Whether a signal has come to a process that has not taken it: two of a kind that wait count as one. */
function isPending(pid: number, signal: number): boolean {
  const [, mask] = /^ShdPnd:\s+(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))!;
  return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

it.runIf(process.platform === "linux")(
  "a second SIGINT ends a run that still waits, with its last checkpoint whole and no process left",
  async () => {
    const main = fileURLToPath(compiledUrl("runtime/cli/main.js"));
    const kept = ["--checkpoint-dir", at("kept"), "--checkpoint-every", "1"];
    const words = ["train", at("plan"), "--data", at("tape.mjs"), "--steps", "100", ...kept];
    const run = spawn(process.execPath, [main, ...words], { stdio: ["ignore", "ignore", "pipe"] });
    let notes = "";
    run.stderr.on("data", (text: Buffer) => (notes += text.toString()));
    const ended = new Promise<number | null>((resolve) => run.on("close", resolve));
    let hasEnded = false;
    void ended.then(() => (hasEnded = true));
    const store = new CheckpointStore(nodeFiles(), at("kept"));
    let saved: readonly number[] = [];
    while (!saved.includes(TAPE_STEPS) && !hasEnded) {
      saved = await store.steps().catch(() => []);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const children = childrenOf(run.pid!);
    expect(children.length, notes).toBeGreaterThanOrEqual(3);

    run.kill("SIGINT");
    await until(() => !isPending(run.pid!, constants.signals.SIGINT));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(hasEnded).toBe(false);
    run.kill("SIGINT");
    expect(await ended).toBe(130);
    await until(() => !children.some(isRunning));
    const { checkpoint, refused } = await store.newest();
    expect([checkpoint?.state.step, refused]).toEqual([TAPE_STEPS, []]);
  },
);

it("a loss that is not a number ends with 10 and names the step, the tensor and the stage", async () => {
  const { exitCode, stderr } = await pipewright(["train", at("steep"), "--data", "synthetic", "--steps", "9"]);
  expect(exitCode).toBe(10);
  expect(stderr).toMatch(
    /^error: step 2: the loss of microbatch 0 is NaN; the first \w+ is in "\w+" of stage \d, which \w+ /,
  );
});
