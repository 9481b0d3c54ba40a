/**
 * @file npm run bench:schedule: every known schedule against search and lower bound on fixed cases, the Zero Bubble
 * paper's Table 5, and the speed of the simulator. `--json` prints one JSON document; `--seconds N` limits each search.
 */
import { readFileSync } from "node:fs";
import type { ScheduleCosts } from "../compiler/schedule/costs.js";
import { uniformCosts, uniformLatency } from "../compiler/schedule/costs.js";
import { scheduleByName } from "../compiler/schedule/registry.js";
import { searchSchedule } from "../compiler/schedule/search.js";
import { simulate } from "../compiler/schedule/simulate.js";
import { loopedPlacement, wavePlacement } from "../compiler/schedule/size.js";
import { automaticZeroBubble } from "../compiler/schedule/zb-auto.js";

interface SearchCase {
  readonly name: string;
  readonly placement: "linear" | "looped" | "wave";
  readonly devices: number;
  readonly microbatches: number;
  readonly forwardMs: readonly number[];
  readonly latencyMs: number;
  readonly capacity: number;
  readonly published: {
    readonly template?: number;
    readonly search?: number;
    readonly optimum?: number;
    readonly bound?: number;
  };
}

interface PaperRow {
  readonly model: string;
  readonly devices: number;
  readonly microbatches: number;
  readonly forwardMs: number;
  readonly inputGradMs: number;
  readonly weightGradMs: number;
  readonly latencyMs: number;
  readonly bubbles: readonly string[];
}

function readReference<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../fixtures/reference/schedules/${name}`, import.meta.url), "utf8")) as T;
}

function runSearches(seconds: number) {
  const { cases, inputGradShare, weightGradShare } = readReference<{
    cases: readonly SearchCase[];
    inputGradShare: number;
    weightGradShare: number;
  }>("search-cases.json");
  return cases.map(({ name, placement, devices, microbatches, forwardMs, latencyMs, capacity, published }) => {
    const stagesPerDevice = forwardMs.length / devices;
    const costs: ScheduleCosts = {
      forwardMs,
      inputGradMs: forwardMs.map((ms) => inputGradShare * ms),
      weightGradMs: forwardMs.map((ms) => weightGradShare * ms),
      transfers: uniformLatency(forwardMs.length, latencyMs),
    };
    const begin = performance.now();
    const result = searchSchedule(
      {
        devices,
        microbatches,
        placement:
          placement === "wave" ? wavePlacement(devices, stagesPerDevice) : loopedPlacement(devices, stagesPerDevice),
        costs,
        capacity: new Array<number>(devices).fill(capacity),
      },
      { seed: 1, evaluations: 400_000, isTimeUp: () => performance.now() - begin > 1000 * seconds },
    );
    const timeline = simulate(result.schedule, costs);
    return {
      name,
      devices,
      microbatches,
      capacity,
      template: result.template ?? null,
      searchMs: round(result.makespanMs),
      boundMs: round(result.boundMs),
      gap: round(result.gap),
      status: result.status,
      bubble: round(timeline.bubble),
      spanBubble: round(timeline.spanBubble),
      published,
      seconds: round((performance.now() - begin) / 1000),
    };
  });
}

function runTable5() {
  const { rows, models, schedules } = readReference<{
    rows: readonly PaperRow[];
    models: Readonly<Record<string, { hidden: number; heads: number; sequence: number }>>;
    schedules: readonly string[];
  }>("zero-bubble-paper.json");
  return rows.map((row) => {
    const { hidden, heads, sequence } = models[row.model]!;
    const all = (value: number) => new Array<number>(row.devices).fill(value);
    const activation = 34 * hidden + 5 * heads * sequence;
    const costs: ScheduleCosts = {
      ...uniformCosts(row.devices, row),
      transfers: uniformLatency(row.devices, row.latencyMs),
      stash: { forward: all(activation), weight: all(32 * hidden) },
    };
    const automatic = (activations: number) =>
      automaticZeroBubble(row, { costs, capacity: all(activations * row.devices * activation) });
    const timelines = schedules.map((name) => {
      if (name === "zb-1p" || name === "zb-2p") return simulate(automatic(name === "zb-1p" ? 1 : 2), costs);
      return simulate(scheduleByName(name, { devices: row.devices, microbatches: row.microbatches }), costs);
    });
    return {
      model: row.model,
      devices: row.devices,
      microbatches: row.microbatches,
      spanBubble: timelines.map(({ spanBubble }) => spanBubble.toFixed(4)),
      published: row.bubbles,
      makespanBubble: timelines.map(({ bubble }) => bubble.toFixed(4)),
    };
  });
}

/** 196,608 actions with links of latency and bandwidth. */
function runSpeed() {
  const schedule = scheduleByName("zb-h1", { devices: 64, microbatches: 1024 });
  const transfers = uniformLatency(64, 0.1).map((transfer) => ({ ...transfer, forwardMs: 0.2, gradMs: 0.2 }));
  const begin = performance.now();
  const { makespanMs } = simulate(schedule, { ...uniformCosts(64), transfers });
  const actions = schedule.rows.reduce((sum, row) => sum + row.length, 0);
  return { actions, makespanMs: round(makespanMs), seconds: round((performance.now() - begin) / 1000) };
}

function round(value: number): number {
  return Number(value.toFixed(4));
}

function main(args: readonly string[]): void {
  const at = args.indexOf("--seconds");
  const searches = runSearches(at >= 0 ? Number(args[at + 1]) : 10);
  const table5 = runTable5();
  const matched = table5.flatMap(({ spanBubble, published }) => spanBubble.map((text, k) => text === published[k]));
  const exact = matched.filter(Boolean).length;
  const speed = runSpeed();
  if (args.includes("--json")) {
    console.log(JSON.stringify({ searches, table5: { rows: table5, exact, of: matched.length }, speed }, null, 2));
    return;
  }
  console.log(
    "case                                          best template            search    bound     gap   seconds",
  );
  for (const { name, template, searchMs, boundMs, gap, seconds } of searches) {
    const known = template ? `${template.name} ${template.makespanMs.toFixed(3)}` : "none fits";
    const figures = [searchMs.toFixed(3), boundMs.toFixed(3), `${(100 * gap).toFixed(2)} %`, seconds.toFixed(1)];
    console.log([name.padEnd(45), known.padEnd(22), ...figures.map((text) => text.padStart(9))].join(" "));
  }
  console.log("\nZero Bubble paper, Table 5 (bubble of the span; 1F1B, ZB-H1, ZB-H2, ZB-1p, ZB-2p), ours | published");
  for (const { model, devices, microbatches, spanBubble, published } of table5)
    console.log(
      `${model.padEnd(6)} ${devices} ${microbatches}`.padEnd(16),
      spanBubble.join(" "),
      "|",
      published.join(" "),
    );
  console.log(`${exact} of ${matched.length} to the last printed digit`);
  console.log(`\nsimulated ${speed.actions} actions in ${speed.seconds} s`);
}

main(process.argv.slice(2));
