/** @file One fuzzing process: arguments SEED SECONDS FOLDER; prints one JSON document. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { attempt, minimised } from "./attempt.js";
import { mutate, randomBelow } from "./mutate.js";
import { illegalGraph } from "./structured.js";

const [seed, seconds, folder] = process.argv.slice(2) as [string, string, string];
const LARGEST_SEED = 16 * 1024;
const MOST_FAILURES = 20;
/** One execution in so many is a legal graph with one illegal edit. */
const ILLEGAL_EVERY = 8;

const seeds = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".onnx"))
  .sort()
  .map((name) => join(folder, name))
  .filter((path) => statSync(path).isFile() && statSync(path).size <= LARGEST_SEED)
  .map((path) => new Uint8Array(readFileSync(path)));
const below = randomBelow(Number(seed));
const failures = new Map<string, string>();
let executions = 0;
let accepted = 0;
let worstMs = 0;
const endMs = performance.now() + 1000 * Number(seconds);
while (performance.now() < endMs && failures.size < MOST_FAILURES) {
  const { bytes, edit } = executions % ILLEGAL_EVERY === 0 ? illegalGraph(below) : mutated();
  const { failure, ms } = attempt(bytes, edit);
  executions++;
  worstMs = Math.max(worstMs, ms);
  if (failure === undefined) accepted++;
  else if (!failures.has(failure))
    failures.set(failure, Buffer.from(minimised(bytes, failure, edit)).toString("base64"));
}
const peakBytes = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({ seeds: seeds.length, executions, accepted, worstMs, peakBytes, failures: [...failures] }));

function mutated(): { readonly bytes: Uint8Array; readonly edit: undefined } {
  return { bytes: mutate(seeds[below(seeds.length)]!, seeds[below(seeds.length)]!, below), edit: undefined };
}
