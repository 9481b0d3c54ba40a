/**
 * @file Every case folder of a corpus against its reference: `npm run -s check:models -- DIR [--stages N] [--json]
 * [--filter TEXT]`. With more than one stage every gradient must also have the bits that one stage gives. Ends with
 * "N passed, N failed"; exit code 1 when any failed.
 */
import { parseArgs } from "node:util";
import { PipewrightError } from "../compiler/errors.js";
import { nodeEnv } from "../runtime/env/node.js";
import { findCases, readCase } from "./corpus/case.js";
import { isWithin } from "./corpus/compare.js";
import { compareBits, runCase } from "./corpus/run-case.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    stages: { type: "string", default: "1" },
    json: { type: "boolean" },
    filter: { type: "string", default: "" },
  },
});
const [directory] = positionals;
const stages = Number(values.stages);
if (!directory || !(Number.isInteger(stages) && stages >= 1)) {
  console.error("usage: npm run -s check:models -- DIR [--stages N] [--json] [--filter TEXT]");
  process.exit(2);
}
const folders = findCases(directory).filter((folder) => folder.includes(values.filter));
if (folders.length === 0) {
  console.error(`${directory}: no case folders that match ${JSON.stringify(values.filter)}. Name a folder of cases.`);
  process.exit(2);
}

interface Outcome {
  readonly case: string;
  readonly passed: boolean;
  readonly comparisons: number;
  /** Largest error as a share of what was allowed. */
  readonly worst: number;
  /** Losses of curves that are right only from weights one ulp away. */
  readonly fromMovedWeights: number;
  readonly reason?: string;
}

const env = nodeEnv();
const outcomes: Outcome[] = [];
for (const folder of folders) {
  const outcome = await checkFolder(folder);
  outcomes.push(outcome);
  if (!values.json) console.log(line(outcome));
}
const passed = outcomes.filter((outcome) => outcome.passed).length;
const failed = outcomes.length - passed;
if (values.json) console.log(JSON.stringify({ cases: outcomes, passed, failed }, undefined, 1));
else console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

async function checkFolder(folder: string): Promise<Outcome> {
  const name = folder.slice(folder.lastIndexOf("/") + 1);
  try {
    const subject = readCase(folder);
    const bits = stages > 1 ? await compareBits(env, subject, stages) : [];
    const comparisons = [...(await runCase(env, subject, stages)), ...bits];
    const wrong = comparisons.filter((comparison) => !isWithin(comparison));
    const worst = Math.max(...comparisons.map(({ error, limit }) => (error === 0 ? 0 : error / limit)));
    const reason = wrong.map(
      (item) => `${item.name}: error ${item.error.toExponential(2)}, limit ${item.limit.toExponential(2)}`,
    );
    const fromMovedWeights = comparisons.filter(({ isFromMovedWeights }) => isFromMovedWeights).length;
    const about = { case: name, passed: wrong.length === 0, comparisons: comparisons.length, worst, fromMovedWeights };
    return wrong.length === 0 ? about : { ...about, reason: reason.slice(0, 5).join("; ") };
  } catch (error) {
    const isRefusal = error instanceof PipewrightError && error.code === "MODEL_UNSUPPORTED";
    const text =
      error instanceof PipewrightError ? error.message : String(error instanceof Error ? error.stack : error);
    return {
      case: name,
      passed: false,
      comparisons: 0,
      worst: Infinity,
      fromMovedWeights: 0,
      reason: isRefusal ? `not supported: ${text}` : text,
    };
  }
}

function line({ case: name, passed, comparisons, worst, fromMovedWeights, reason }: Outcome): string {
  if (!passed) return `FAIL  ${name.padEnd(32)} ${reason ?? ""}`;
  const moved = fromMovedWeights > 0 ? `, ${fromMovedWeights} of them from weights moved by one ulp` : "";
  const share = `${(100 * worst).toFixed(0)} % of what is allowed`;
  return `ok    ${name.padEnd(32)} ${comparisons} comparisons, at most ${share}${moved}`;
}
