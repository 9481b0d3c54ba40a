/** @file `profile`: times every node forward and backward, and writes profile.json. */
import { OPS } from "../../../compiler/ops/registry.js";
import { analyticProfile } from "../../../compiler/profile/analytic.js";
import { computeMs } from "../../../compiler/compute-ms.js";
import type { NodeCost, Profile } from "../../../compiler/profile/profile.js";
import { trainingGraph } from "../../../compiler/training.js";
import { engineFor } from "../../engine/registry.js";
import { hostFacts } from "../../env/host.js";
import { concurrencyOf, measureProfile } from "../../measure.js";
import { loadWeights } from "../../model-file.js";
import { writeProfile } from "../../profile-file.js";
import type { CommandBody } from "../command.js";
import { DEFAULTS } from "../defaults.js";
import { parseDevices } from "../parse/devices.js";
import { clusterOf } from "../planning.js";
import { readModel } from "../read-model.js";
import { profileTurns } from "../turns.js";
import { trainingChoices } from "../training-flags.js";
import { formatMs, formatShare, profileText } from "../../report/format.js";
import { renderTable } from "../render/table.js";

const DEFAULT_REPEAT = 20;
const DEFAULT_FILE = "profile.json";
const SHOWN = 12;

export const profile: CommandBody = async ({ env, columns, signal, progress: phases }, path, given) => {
  const progress = phases(["read", "profile"]);
  const { model, flags } = await readModel(env, progress, path, given);
  const { differentiated } = trainingGraph(model.graph, OPS, {
    loss: flags.loss ?? [],
    ...trainingChoices(flags),
  });
  const cluster = clusterOf(flags.devices ?? parseDevices(DEFAULTS.devices), flags.link);
  const [device] = cluster.devices;
  progress.begin("profile");
  let measured: Profile;
  if (flags.analytic) measured = analyticProfile(differentiated, OPS, device!);
  else {
    const weights = new Map([...(await loadWeights(env, model))].map(([name, { bytes }]) => [name, bytes]));
    const engine = engineFor(device!);
    try {
      measured = await measureProfile(differentiated, engine, {
        repeat: flags.repeat ?? DEFAULT_REPEAT,
        clock: env.clock,
        concurrency: concurrencyOf(cluster, device!, hostFacts().cores),
        turn: profileTurns(env.clock, signal),
        weights,
      });
    } finally {
      engine.close();
    }
  }
  const out = flags.out ?? DEFAULT_FILE;
  await writeProfile(env, out, measured);
  const costs = [...measured.nodes].map(([name, cost]) => ({ name, ...cost }));
  const sum = (pick: (cost: NodeCost) => number): number => costs.reduce((total, cost) => total + pick(cost), 0);
  const total = {
    forwardMs: sum((cost) => cost.forwardMs),
    inputGradMs: sum((cost) => cost.inputGradMs),
    weightGradMs: sum((cost) => cost.weightGradMs),
  };
  progress.end(`${costs.length} nodes, ${formatMs(computeMs(total))} per microbatch`);
  const json = {
    model: path,
    source: measured.source,
    deviceKind: measured.deviceKind,
    ...(measured.concurrency === undefined ? {} : { concurrency: measured.concurrency }),
    graphDigest: measured.graphDigest,
    total,
    nodes: costs,
    profile: out,
  };
  const row = (name: string, cost: NodeCost) => [
    name,
    formatMs(cost.forwardMs),
    formatMs(cost.inputGradMs),
    formatMs(cost.weightGradMs),
    formatShare(computeMs(cost) / (computeMs(total) || 1)),
  ];
  const costliest = [...costs].sort((a, b) => computeMs(b) - computeMs(a)).slice(0, SHOWN);
  const table = renderTable(
    [
      { title: `node (${profileText(measured)}, ${measured.deviceKind})`, flexible: true },
      { title: "F", align: "right" },
      { title: "I", align: "right" },
      { title: "W", align: "right" },
      { title: "share", align: "right" },
    ],
    [...costliest.map((cost) => row(cost.name, cost)), row(`all ${costs.length} nodes`, total)],
    columns,
  );
  return {
    json,
    text: `${table}\nwrote ${out}\nnext: pipewright partition ${path} --profile ${out} with the same --loss\n`,
  };
};
