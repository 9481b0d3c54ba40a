/** @file Files of a plan directory whose digests were made again: read within the limits of models, at every door. */
import { beforeAll, describe, expect, it } from "vitest";
import type { ModelProto } from "../../compiler/onnx/proto.js";
import { decodeModel, encodeModel } from "../../compiler/onnx/codec.js";
import { bytesField } from "../../compiler/onnx/wire.js";
import { sealedJson } from "../../runtime/artefact.js";
import { digestOf } from "../../runtime/digest.js";
import { artefacts } from "../support/artefacts.js";
import { pipewright } from "../support/shell.js";
import type { SimulatedEnv } from "../support/simulated-env.js";

const PLAN = "/plans/plan";

let env: SimulatedEnv;
let model: Uint8Array;
beforeAll(async () => {
  env = await artefacts();
  await env.files.remove(`${PLAN}/run.json`);
  model = await env.files.read(`${PLAN}/model.onnx`);
});

async function put(name: string, bytes: Uint8Array): Promise<void> {
  await env.files.writeAtomic(`${PLAN}/${name}`, bytes);
  const plan = JSON.parse(new TextDecoder().decode(await env.files.read(`${PLAN}/plan.json`))) as Record<
    string,
    unknown
  >;
  const { digest, ...rest } = plan;
  expect(digest).toBeDefined();
  const files = { ...(plan.files as object), [name]: digestOf(bytes) };
  await env.files.writeAtomic(`${PLAN}/plan.json`, sealedJson({ ...rest, files }));
}

/** What a door says of the plan with this file. The file is as it was afterwards. */
async function said(name: string, bytes: Uint8Array, ...words: readonly string[]): Promise<string> {
  const before = await env.files.read(`${PLAN}/${name}`);
  await put(name, bytes);
  const names = await env.files.list("/plans");
  try {
    const { exitCode, stderr } = await pipewright(words, { makeEnv: () => Promise.resolve(env) });
    if (exitCode !== 0) expect(await env.files.list("/plans")).toEqual(names);
    return `${exitCode} ${stderr.slice(stderr.lastIndexOf("error: "))}`;
  } finally {
    await put(name, before);
    await env.files.remove("/plans/out").catch(() => undefined);
  }
}

/** 4 MB of empty nodes, attributes of a node, or what else is one field of a graph. */
const flood = (field: number): Uint8Array =>
  bytesField(
    7,
    new Uint8Array(4_000_002).map((_, at) => (at % 2 === 0 ? 8 * field + 2 : 0)),
  );
const changedGraph = (change: (model: ModelProto) => object): Uint8Array => {
  const whole = decodeModel(model);
  return encodeModel({ ...whole, graph: { ...whole.graph!, ...change(whole) } });
};

const ALL: readonly (readonly string[])[] = [
  ["simulate", PLAN],
  ["compare", PLAN, PLAN],
  ["report", PLAN, "-o", "/plans/out"],
  ["export", PLAN, "--target", "onnx", "-o", "/plans/out"],
  ["export", PLAN, "--target", "torch", "-o", "/plans/out"],
  ["verify", PLAN],
  ["train", PLAN, "--data", "synthetic", "--steps", "1", "-o", "/plans/out"],
];
const OF_MODEL = ALL.filter(
  ([command, , , target]) => ["verify", "train", "export"].includes(command!) && target !== "torch",
);

describe("a stage graph of a plan", () => {
  it.each(ALL)("is counted before it is decoded: %s", async (...words) => {
    expect(await said("stages/0.forward.onnx", flood(1), ...words)).toMatch(
      /^5 error: \/plans\/plan\/stages\/0\.forward\.onnx: number of nodes is over the limit; got 1000001, .*--limit nodes=1000001\.\n$/,
    );
  });

  it.each(ALL)("is refused when it is damaged: %s", async (...words) => {
    expect(await said("stages/0.forward.onnx", new Uint8Array([0xff]), ...words)).toMatch(
      /^8 error: \/plans\/plan: stages\/0\.forward\.onnx is no stage graph: /,
    );
  });
});

describe("a stage graph of a plan with other tensors", () => {
  it.each(ALL)("is refused before anything runs: %s", async (...words) => {
    const own = decodeModel(await env.files.read(`${PLAN}/stages/0.forward.onnx`));
    const graph = own.graph!;
    const other = { ...graph, input: graph.input!.map((info, at) => (at === 0 ? { ...info, name: "other" } : info)) };
    expect(await said("stages/0.forward.onnx", encodeModel({ ...own, graph: other }), ...words)).toMatch(
      /^8 error: \/plans\/plan: the inputs of stages\/0\.forward\.onnx are not those of the plan; got .*"other".*, expected "/,
    );
  });
});

describe("the model of a plan", () => {
  it.each(OF_MODEL)("is counted before it is decoded: %s", async (...words) => {
    expect(await said("model.onnx", flood(1), ...words)).toMatch(
      /^5 error: \/plans\/plan\/model\.onnx: number of nodes is over the limit; got 1000001, the limit is 1000000\. Raise it with --limit nodes=1000001\.\n$/,
    );
  });

  it.each(OF_MODEL)("is counted up to the limit that is given: %s", async (...words) => {
    expect(await said("model.onnx", flood(1), ...words, "--limit", "nodes=1500000")).toContain(
      "the limit is 1500000. Raise it with --limit nodes=1500001.",
    );
  });

  it.each(OF_MODEL)("is refused when it is another one: %s", async (...words) => {
    const narrower = changedGraph(({ graph }) => ({
      initializer: graph!.initializer!.map((own, at) =>
        at === 0 ? { ...own, dims: [1, own.raw_data!.length / 4] } : own,
      ),
    }));
    for (const [bytes, reason] of [
      [narrower, /^8 error: \/plans\/plan\/model\.onnx: it (cannot be imported|is not the model of the plan)/],
      [changedGraph(() => ({ node: [] })), /^8 error: \/plans\/plan\/model\.onnx: it cannot be imported/],
      [
        new Uint8Array(),
        /^8 error: \/plans\/plan\/model\.onnx: it cannot be imported: model file: no ONNX model; the file is empty\. /,
      ],
    ] as const)
      expect(await said("model.onnx", bytes, ...words)).toMatch(reason);
  });
});
