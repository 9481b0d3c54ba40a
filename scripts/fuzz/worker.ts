/** @file One fuzzing process: arguments SEED SECONDS FOLDER; prints one JSON document. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { attempt, minimised } from "./attempt.js";
import { fuzzedModels } from "./sequence.js";

const [seed, seconds, folder] = process.argv.slice(2) as [string, string, string];
const LARGEST_SEED = 16 * 1024;
const MOST_FAILURES = 20;

const seeds = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".onnx"))
  .sort()
  .map((name) => join(folder, name))
  .filter((path) => statSync(path).isFile() && statSync(path).size <= LARGEST_SEED)
  .map((path) => new Uint8Array(readFileSync(path)));
const failures = new Map<string, string>();
let executions = 0;
let accepted = 0;
let worstMs = 0;
const endMs = performance.now() + 1000 * Number(seconds);
for (const { bytes, edit } of fuzzedModels(seeds, Number(seed))) {
  if (performance.now() >= endMs || failures.size >= MOST_FAILURES) break;
  const { failure, ms } = attempt(bytes, edit);
  executions++;
  worstMs = Math.max(worstMs, ms);
  if (failure === undefined) accepted++;
  else if (!failures.has(failure))
    failures.set(failure, Buffer.from(minimised(bytes, failure, edit)).toString("base64"));
}
const peakBytes = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({ seeds: seeds.length, executions, accepted, worstMs, peakBytes, failures: [...failures] }));
