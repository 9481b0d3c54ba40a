/** @file Profiles: what is measured, on how many copies at once, and of which kind of device. */
import { describe, expect, it } from "vitest";
import { withGradientSums } from "../../compiler/plan/gradient-sums.js";
import { halvesOf } from "../../compiler/plan/halves.js";
import type { ClusterSpec } from "../../compiler/cluster.js";
import { CPU_CORE, localCluster } from "../../compiler/cluster.js";
import { parseLoss } from "../../compiler/loss/spec.js";
import { OPS } from "../../compiler/ops/registry.js";
import { profilesOf } from "../../compiler/planning/subject.js";
import { trainingGraph } from "../../compiler/training.js";
import { createOrtEngine } from "../../runtime/engine/ort/ort-engine.js";
import type { Engine } from "../../runtime/engine/engine.js";
import type { Clock } from "../../runtime/env/env.js";
import { concurrencyOf, measureProfile } from "../../runtime/measure.js";
import { timeRuns } from "../../runtime/time-runs.js";
import { remoteEngine } from "../support/remote-engine.js";
import { TIED_GPT, TINY_MLP, TINY_RESNET } from "../support/tiny-models.js";

const differentiate = ({ built, loss }: typeof TINY_MLP) =>
  trainingGraph(built.graph, OPS, { loss: [parseLoss(loss)] }).differentiated;

/** A clock that goes on by 1 ms each time it is read. */
function tickingClock(): Clock {
  let ms = 0;
  return { nowMs: () => ms++, sleep: () => Promise.resolve() };
}

const cluster = (cpus: number): ClusterSpec => localCluster(cpus);

describe("how many copies are measured at once", () => {
  it("is as many CPUs as there are, while cores last", () => {
    const [device] = cluster(4).devices;
    expect(concurrencyOf(cluster(4), device!, 8)).toBe(4);
    expect(concurrencyOf(cluster(4), device!, 2)).toBe(2);
    expect(concurrencyOf(cluster(4), device!, 1)).toBe(1);
    expect(concurrencyOf(cluster(64), device!, 64)).toBe(5);
    expect(concurrencyOf(cluster(2), { ...device!, threads: 4 }, 6)).toBe(1);
  });

  it("is one on devices that share nothing", () => {
    const gpu = { ...CPU_CORE, name: "cuda0", kind: "cuda" } as const;
    expect(concurrencyOf({ ...cluster(1), devices: [gpu, gpu] }, gpu, 8)).toBe(1);
  });
});

describe("the halves of a training graph", () => {
  it.each([TINY_MLP, TIED_GPT, TINY_RESNET])("have all nodes, and what they read is given or made before", (model) => {
    const whole = withGradientSums(differentiate(model), OPS);
    const { forward, backward } = halvesOf(whole);
    expect([...forward.nodes, ...backward.nodes]).toEqual(whole.differentiated.graph.nodes);
    const made = new Set<number>();
    for (const half of [forward, backward]) {
      for (const { id } of half.inputs) made.add(id);
      for (const { inputs, outputs } of half.nodes) {
        for (const value of inputs) if (value && !value.literal) expect(made).toContain(value.id);
        for (const value of outputs) if (value) made.add(value.id);
      }
      for (const { id } of half.outputs) expect(made).toContain(id);
    }
    const handed = new Set(forward.outputs);
    const { inputs, params } = whole.differentiated.graph;
    for (const value of backward.inputs) expect(handed.has(value) || [...inputs, ...params].includes(value)).toBe(true);
    for (const { next } of whole.sums) expect(backward.outputs).toContain(next);
  });
});

describe("timed runs", () => {
  it("take turns, begin the others first, and give medians without the first run", async () => {
    const log: string[] = [];
    const durationsMs = [90, 4, 1, 2];
    let nowMs = 0;
    const binding = (name: string) => ({
      run: () => {
        log.push(name);
        if (name === "forward") nowMs += durationsMs.shift()!;
        else nowMs += 5;
      },
      runAsync: () => {
        log.push(`${name} beside`);
        return Promise.resolve();
      },
      free: () => undefined,
    });
    const clock = { nowMs: () => nowMs, sleep: () => Promise.resolve() };
    const programs = ["forward", "backward"].map((name) => [binding(name), binding(name)]);
    expect(await timeRuns(programs, { repeat: 3, clock })).toEqual([2, 5]);
    expect(log.slice(0, 4)).toEqual(["forward beside", "forward", "backward beside", "backward"]);
    expect(log).toHaveLength(4 * 4);
  });
});

describe("a measured profile", () => {
  it("has a cost for every forward node, and says how many copies computed", async () => {
    const differentiated = differentiate(TINY_RESNET);
    const engine = createOrtEngine();
    const profile = await measureProfile(differentiated, engine, { repeat: 1, clock: tickingClock(), concurrency: 2 });
    engine.close();
    const forward = differentiated.graph.nodes.filter(({ id }) => differentiated.phase.get(id) === "F");
    expect([...profile.nodes.keys()]).toEqual(forward.map(({ name }) => name));
    expect(profile).toMatchObject({ source: "measured", deviceKind: "cpu", concurrency: 2 });
    // Each program takes one tick of the clock, however its nodes share it.
    const costs = [...profile.nodes.values()];
    expect(costs.reduce((sum, { forwardMs }) => sum + forwardMs, 0)).toBeCloseTo(1, 9);
    expect(costs.reduce((sum, cost) => sum + cost.inputGradMs + cost.weightGradMs, 0)).toBeCloseTo(1, 9);
  });

  it("is made once for each kind of device, on its own engine", async () => {
    const devices = (["cpu", "webgpu", "cpu"] as const).map((kind, at) => ({
      ...CPU_CORE,
      kind,
      name: `${kind}${at}`,
    }));
    const mixed = { ...cluster(1), devices };
    const engines: Engine[] = [createOrtEngine(), remoteEngine()];
    const asked: string[] = [];
    const profiles = await profilesOf(differentiate(TINY_MLP), mixed, (graph, device, whole) => {
      const concurrency = concurrencyOf(whole, device, 8);
      asked.push(`${device.name}, ${concurrency} at a time`);
      const engine = engines.find(({ kind }) => kind === device.kind)!;
      return measureProfile(graph, engine, { repeat: 1, clock: tickingClock(), concurrency });
    });
    for (const engine of engines) engine.close();
    expect(asked).toEqual(["cpu0, 2 at a time", "webgpu1, 1 at a time"]);
    expect([...profiles].map(([kind, { deviceKind, concurrency }]) => [kind, deviceKind, concurrency])).toEqual([
      ["cpu", "cpu", 2],
      ["webgpu", "webgpu", 1],
    ]);
  });
});
