/** @file Runs that stop and continue: the same bits as runs in one go, also on other stages and other schedules. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { belongingOf } from "../../../runtime/checkpoint/manifest.js";
import { stateFiles } from "../../../runtime/checkpoint/state.js";
import { CheckpointStore } from "../../../runtime/checkpoint/store.js";
import { nodeEnv } from "../../../runtime/env/node.js";
import { planAt, trainTo } from "../../support/resuming.js";
import { ADAMW, SGD, TIED_GPT, TINY_MLP, TINY_RESNET, TUNED } from "../../support/tiny-models.js";
import type { TinyModel, TinyOptions } from "../../support/tiny-models.js";
import type { TinyPlan } from "../../support/training.js";

const env = nodeEnv();
let folder: string;
beforeAll(async () => {
  folder = await env.files.temporaryDirectory();
});
afterAll(() => env.files.remove(folder));

const keptAt = (name: string) => ({ directory: `${folder}/${name}`, every: 5, keep: 2 });

describe.each([
  ["linear layers, SGD", TINY_MLP, SGD],
  ["tied weights, AdamW", TIED_GPT, ADAMW],
  ["running statistics, AdamW", TINY_RESNET, ADAMW],
  ["groups, cosine with warm-up, clipped gradients", TIED_GPT, TUNED],
] as const)("%s", (name, model, optimizer) => {
  const plans = new Map<string, TinyPlan>();
  let straight: { readonly losses: readonly number[]; readonly digest: string };

  beforeAll(async () => {
    for (const devices of [1, 2, 3])
      plans.set(`${devices}`, await planAt(env, `${folder}/${name}-${devices}`, model, { devices, optimizer }));
    const zeroBubble = { devices: 2, optimizer, schedule: "zb-h1" };
    plans.set("2 zb-h1", await planAt(env, `${folder}/${name}-zb`, model, zeroBubble));
    straight = await trainTo(env, plans.get("2")!, { steps: 10 });
  });

  it.each(["1", "2", "3", "2 zb-h1"])("continues after 5 steps on %s with the same bits", async (on) => {
    const kept = keptAt(`${name}-kept-${on}`);
    const half = await trainTo(env, plans.get("2")!, { steps: 5, checkpoints: kept });
    const rest = await trainTo(env, plans.get(on)!, { steps: 10, checkpoints: { ...kept, resume: "auto" } });
    expect(half.losses).toEqual(straight.losses.slice(0, 5));
    expect(rest.losses).toEqual(straight.losses.slice(5));
    expect(rest.digest).toBe(straight.digest);
    expect(rest.events).toMatchObject([
      { kind: "resumed", step: 5, notices: [] },
      { kind: "saved", step: 10 },
    ]);
  });
});

describe("a run that continues", () => {
  let tiny: TinyPlan;
  beforeAll(async () => {
    tiny = await planAt(env, `${folder}/mlp`, TINY_MLP, { devices: 1 });
  });

  it("saves when it is stopped early, and goes on from there", async () => {
    const kept = { ...keptAt("early"), every: 0 };
    let done = 0;
    const isCancelled = () => done === 3;
    const stopped = await trainTo(env, tiny, { steps: 9, checkpoints: kept, isCancelled, onStep: () => done++ });
    expect(stopped.events).toMatchObject([{ kind: "saved", step: 3 }]);
    const rest = await trainTo(env, tiny, { steps: 9, checkpoints: { ...kept, resume: "auto" } });
    const straight = await trainTo(env, tiny, { steps: 9 });
    expect([...stopped.losses, ...rest.losses]).toEqual(straight.losses);
    expect(rest.digest).toBe(straight.digest);
  });

  it("has nothing to do when it was finished", async () => {
    const kept = keptAt("finished");
    const first = await trainTo(env, tiny, { steps: 5, checkpoints: kept });
    const again = await trainTo(env, tiny, { steps: 5, checkpoints: { ...kept, resume: "auto" } });
    expect(again.losses).toEqual([]);
    expect(again.digest).toBe(first.digest);
    expect(again.events).toMatchObject([{ kind: "resumed", step: 5 }]);
  });

  it("begins at the start when there is nothing to continue", async () => {
    const { losses } = await trainTo(env, tiny, { steps: 2, checkpoints: { ...keptAt("none"), resume: "auto" } });
    expect(losses.length).toBe(2);
  });

  it("keeps the newest checkpoints, and one more never", async () => {
    await trainTo(env, tiny, { steps: 9, checkpoints: { ...keptAt("kept"), every: 2 } });
    expect(await env.files.list(`${folder}/kept`)).toEqual(["step-0000000008", "step-0000000009"]);
  });

  it("does not mix with another run", async () => {
    await trainTo(env, tiny, { steps: 5, checkpoints: keptAt("mixed") });
    await expect(trainTo(env, tiny, { steps: 5, checkpoints: keptAt("mixed") })).rejects.toMatchObject({
      code: "USAGE",
      message: expect.stringMatching(/--resume auto/) as string,
    });
  });

  it("takes an older checkpoint and sets newer ones aside", async () => {
    const kept = { ...keptAt("older"), every: 2 };
    const straight = await trainTo(env, tiny, { steps: 6, checkpoints: kept });
    const resume = `${kept.directory}/step-0000000004`;
    const again = await trainTo(env, tiny, { steps: 6, checkpoints: { ...kept, resume } });
    expect(again.digest).toBe(straight.digest);
    expect(again.events).toMatchObject([{ kind: "set aside" }, { kind: "resumed", step: 4 }, { kind: "saved" }]);
    expect(await env.files.list(kept.directory)).toEqual(["aside-6", "step-0000000004", "step-0000000006"]);
  });

  it("falls back to an older checkpoint and says why", async () => {
    const kept = { ...keptAt("damaged"), every: 2 };
    const straight = await trainTo(env, tiny, { steps: 6, checkpoints: kept });
    const damaged = `${kept.directory}/step-0000000006/parameters-0.safetensors`;
    const bytes = (await env.files.read(damaged)).slice();
    bytes[bytes.length - 1]! ^= 1;
    await env.files.writeAtomic(damaged, bytes);
    const again = await trainTo(env, tiny, { steps: 6, checkpoints: { ...kept, resume: "auto" } });
    expect(again.digest).toBe(straight.digest);
    expect(again.events).toMatchObject([
      { kind: "refused", reason: expect.stringMatching(/parameters-0.safetensors was changed; got sha256/) as string },
      { kind: "set aside" },
      { kind: "resumed", step: 4 },
      { kind: "saved", step: 6 },
    ]);
  });

  it("says what will change bits", async () => {
    const kept = keptAt("aloud");
    await trainTo(env, tiny, { steps: 5, checkpoints: kept });
    const faster = await planAt(env, `${folder}/faster`, TINY_MLP, {
      devices: 1,
      optimizer: { ...SGD, learningRate: 0.1, clipNorm: 2 },
    });
    const dataset = { ...faster.dataset, identity: { source: "else", seed: 0, shuffle: false, samples: null } };
    const options = { steps: 6, checkpoints: { ...kept, resume: "auto" } };
    const { events } = await trainTo(env, { ...faster, dataset }, options);
    expect(events[0]).toMatchObject({
      kind: "resumed",
      notices: [
        expect.stringMatching(/^The optimizer was .*0\.05.*, is .*"clipNorm":2.*0\.1/) as string,
        expect.stringMatching(/^The data were .*, are .*else/) as string,
      ],
    });
  });

  it.each(["cpu", "features", "libraries", "engines", "devices", "optimisation"] as const)(
    "says aloud that %s changed, which may change bits",
    async (what) => {
      const kept = keptAt(`elsewhere ${what}`);
      await trainTo(env, tiny, { steps: 5, checkpoints: kept });
      const store = new CheckpointStore(env.files, kept.directory);
      const { manifest, state } = (await store.newest()).checkpoint!;
      const now = manifest.fingerprint[what];
      expect(now).not.toBe("");
      const fingerprint = { ...manifest.fingerprint, [what]: "another" };
      await store.save(5, stateFiles(state), belongingOf(tiny.plan, manifest.data, fingerprint));
      const { events } = await trainTo(env, tiny, { steps: 6, checkpoints: { ...kept, resume: "auto" } });
      expect(events[0]).toMatchObject({
        kind: "resumed",
        notices: [`The last bits may differ from a run in one go: ${what} was another, is ${now}.`],
      });
    },
  );

  const OTHERS: readonly (readonly [what: string, model: TinyModel, options: TinyOptions])[] = [
    ["model", TIED_GPT, {}],
    ["number of microbatches", TINY_MLP, { microbatches: 2 }],
    ["optimizer", TINY_MLP, { optimizer: ADAMW }],
    ["loss, dimensions or what trains", TINY_MLP, { batchNorm: "frozen" }],
  ];
  it.each(OTHERS)("does not continue another %s", async (what, model, options) => {
    const kept = keptAt(`other ${what}`);
    await trainTo(env, tiny, { steps: 5, checkpoints: kept });
    const misfit = await planAt(env, `${folder}/other plan ${what}`, model, { devices: 1, ...options });
    const run = trainTo(env, misfit, { steps: 6, checkpoints: { ...kept, resume: "auto" } });
    await expect(run).rejects.toMatchObject({ code: "ARTEFACT_MISMATCH", details: { what } });
  });
});
