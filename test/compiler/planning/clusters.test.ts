/** @file Clusters of unlike devices and links: the plans they get, against every order and cut, and what must not matter. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ClusterSpec } from "../../../compiler/cluster.js";
import { reordered } from "../../../compiler/cluster.js";
import type { Compiled } from "../../../compiler/compile.js";
import { compile } from "../../../compiler/compile.js";
import type { Graph } from "../../../compiler/ir/graph.js";
import { parseLoss } from "../../../compiler/loss/spec.js";
import { certify } from "../../../compiler/partition/certificate.js";
import { evaluate, violations } from "../../../compiler/partition/evaluate.js";
import { scheduleFor } from "../../../compiler/planning/candidate.js";
import { cutProblem } from "../../../compiler/planning/cut-problem.js";
import { draftOf } from "../../../compiler/planning/draft.js";
import type { PlanSubject } from "../../../compiler/planning/subject.js";
import { formatMs } from "../../../runtime/report/format.js";
import { golden } from "../../support/golden.js";
import { SGD, TIED_GPT, TINY_MLP, tinyCluster } from "../../support/tiny-models.js";

const CLUSTERS = ["fast-and-slow", "asymmetric-links", "two-hosts", "unlike-memories"] as const;
const PIPELINE = { schedule: "auto", microbatches: 4, stagesPerDevice: 1 };

function clusterOf(name: (typeof CLUSTERS)[number]): ClusterSpec {
  const file = new URL(`../../../fixtures/clusters/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")) as ClusterSpec;
}

function planned(cluster: ClusterSpec, model: Pick<typeof TIED_GPT, "built" | "loss"> = TINY_MLP): Promise<Compiled> {
  return compile(
    { name: "tiny", digest: "", graph: model.built.graph, bind: {} },
    {
      cluster,
      pipeline: PIPELINE,
      training: { loss: [parseLoss(model.loss)] },
      optimizer: SGD,
      partition: { model: "direct", solver: undefined },
      profile: "analytic",
    },
  );
}

const stepMs = ({ plan }: Compiled): number => plan.schedule.forecast.makespanMs;

/** The shortest simulated step of 1f1b over all orders of the devices and all cuts of a chain of blocks. */
function bruteForce(subject: PlanSubject, cluster: ClusterSpec): number {
  const places = cluster.devices.map((_, device) => device);
  const size = subject.blocks.graph.blocks.length;
  let best = Infinity;
  for (const order of permutations(places)) {
    const arranged = reordered(cluster, order);
    const schedule = scheduleFor({ schedule: "1f1b", recompute: "none", order }, PIPELINE);
    const problem = cutProblem(subject, arranged, schedule, { model: "direct", recompute: "none" });
    for (const begins of subsets(size - 1, places.length - 1)) {
      const stageOf = Array.from({ length: size }, (_, v) => begins.filter((begin) => begin < v).length);
      if (violations(problem, stageOf).length > 0) continue;
      const { bottleneckMs } = evaluate(problem, stageOf);
      const cut = { stageOf, loadMs: [], again: [], solver: "", certificate: certify(bottleneckMs, 0, 0) };
      const { timeline } = draftOf(subject, problem, cut, { cluster: arranged, schedule, isSearched: false });
      best = Math.min(best, timeline.makespanMs);
    }
  }
  return best;
}

function permutations(items: readonly number[]): readonly (readonly number[])[] {
  if (items.length <= 1) return [items];
  return items.flatMap((first, at) => permutations(items.toSpliced(at, 1)).map((rest) => [first, ...rest]));
}

/** All sets of `count` numbers below `size`. */
function subsets(size: number, count: number): readonly (readonly number[])[] {
  if (count === 0) return [[]];
  if (size < count) return [];
  return [...subsets(size - 1, count), ...subsets(size - 1, count - 1).map((rest) => [...rest, size - 1])];
}

function described({ plan, placed }: Compiled): string {
  const stages = plan.stages.map(({ device, nodes, peakBytes }) => {
    const { name, memoryBytes } = plan.devices[device]!;
    return `${name} ${nodes} nodes, ${peakBytes} B${memoryBytes === undefined ? "" : ` of ${memoryBytes}`}`;
  });
  const { bottleneckMs, boundMs } = placed.certificate;
  return (
    `${plan.schedule.name}: step ${formatMs(stepMs({ plan } as Compiled))}, bottleneck ${formatMs(bottleneckMs)}, ` +
    `bound ${formatMs(boundMs)}\n${stages.map((stage) => `  ${stage}\n`).join("")}`
  );
}

describe("the clusters of the fixtures", () => {
  it("get plans that read like their text", async () => {
    const texts: string[] = [];
    for (const name of CLUSTERS) texts.push(`${name}  ${described(await planned(clusterOf(name), TIED_GPT))}`);
    golden("clusters.txt", texts.join("\n"));
  });

  it.each(CLUSTERS)("%s: are no slower than the best order and cut for 1f1b", async (name) => {
    const cluster = clusterOf(name);
    const compiled = await planned(cluster);
    const optimumMs = bruteForce(compiled.subject, cluster);
    expect(optimumMs).toBeLessThan(Infinity);
    expect(stepMs(compiled)).toBeLessThanOrEqual(optimumMs * (1 + 1e-9));
  });
});

describe("a plan", () => {
  const device = fc.record({ speed: fc.constantFrom(0.5, 1, 2), slowTo: fc.constantFrom(1, 1, 0.05) });
  const clusters = fc.array(device, { minLength: 2, maxLength: 3 }).map((devices): ClusterSpec => {
    const base = tinyCluster(devices.length);
    return {
      link: base.link,
      devices: base.devices.map((own, at) => ({ ...own, flopsPerMs: own.flopsPerMs * devices[at]!.speed })),
      links: devices.flatMap(({ slowTo }, from) =>
        slowTo === 1 ? [] : [{ ...base.link, from, to: (from + 1) % devices.length, bytesPerMs: 1e4, latencyMs: 0.1 }],
      ),
    };
  });
  const runs = { numRuns: 5, seed: 5 };

  it("takes as long whatever the order in which devices are named", () =>
    fc.assert(
      fc.asyncProperty(clusters, async (cluster) => {
        const turned = reordered(cluster, [...cluster.devices.keys()].reverse());
        expect(stepMs(await planned(turned))).toBeCloseTo(stepMs(await planned(cluster)), 12);
      }),
      runs,
    ));

  it("takes twice as long where everything takes twice as long", () =>
    fc.assert(
      fc.asyncProperty(clusters, async (cluster) => {
        const slower = <T extends ClusterSpec["link"]>(link: T): T => ({
          ...link,
          bytesPerMs: link.bytesPerMs / 2,
          latencyMs: 2 * link.latencyMs,
        });
        const slow: ClusterSpec = {
          devices: cluster.devices.map((own) => ({
            ...own,
            flopsPerMs: own.flopsPerMs / 2,
            memoryBytesPerMs: own.memoryBytesPerMs / 2,
          })),
          link: slower(cluster.link),
          links: cluster.links!.map(slower),
        };
        expect(stepMs(await planned(slow))).toBeCloseTo(2 * stepMs(await planned(cluster)), 9);
      }),
      runs,
    ));

  it("is the same under other names of nodes and devices", () =>
    fc.assert(
      fc.asyncProperty(clusters, async (cluster) => {
        const { built, loss } = TINY_MLP;
        const nodes = built.graph.nodes.map((node) => ({ ...node, name: `other/${node.id}` }));
        const graph: Graph = { ...built.graph, nodes };
        const renamed = { ...cluster, devices: cluster.devices.map((own, at) => ({ ...own, name: `z${9 - at}` })) };
        const [a, b] = [await planned(cluster), await planned(renamed, { built: { ...built, graph }, loss })];
        expect(b.plan.rows).toEqual(a.plan.rows);
        expect(b.placed.candidate).toEqual(a.placed.candidate);
        expect(stepMs(b)).toBe(stepMs(a));
      }),
      runs,
    ));
});
