/** @file The trained model keeps what training did not change: every byte of its files but the elements of its parameters. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compile } from "../../compiler/compile.js";
import { localCluster } from "../../compiler/cluster.js";
import { narrowed, widened } from "../../compiler/ir/half.js";
import { parseLoss } from "../../compiler/loss/spec.js";
import { decodeModel, encodeModel } from "../../compiler/onnx/codec.js";
import type { ModelProto, TensorProto } from "../../compiler/onnx/proto.js";
import { bytesFromElements, elementsFromBytes } from "../../compiler/onnx/tensor-data.js";
import { bytesField, varints } from "../../compiler/onnx/wire.js";
import type { Plan } from "../../compiler/plan/plan.js";
import type { Tensors } from "../../compiler/plan/safetensors.js";
import { modelFile } from "../../models/file.js";
import type { Env } from "../../runtime/env/env.js";
import { readRemains } from "../../runtime/external-remains.js";
import { loadModel, loadWeights, startValues } from "../../runtime/model-file.js";
import { readWeights, writePlan } from "../../runtime/plan/directory.js";
import { writeTrained } from "../../runtime/trained-model.js";
import { simulatedEnv } from "../support/simulated-env.js";
import { SGD, TINY_MLP } from "../support/tiny-models.js";

const FORMS = ["raw", "list", "half raw", "half list", "external", "half external"] as const;
type Form = (typeof FORMS)[number];

const text = (words: string): Uint8Array => new TextEncoder().encode(words);
const note = (words: string): Uint8Array => bytesField(900, text(words));

/** A model and its files of external data, with a stretch between tensors that belongs to nobody. */
class Files {
  readonly external = new Map<string, number[]>();

  /** The place of some bytes in a file, after a gap. */
  put(location: string, bytes: Uint8Array): TensorProto["external_data"] {
    const file = this.external.get(location) ?? [];
    this.external.set(location, file);
    file.push(...text("gap"));
    const offset = file.length;
    file.push(...bytes);
    const entries = { location, offset: String(offset), length: String(bytes.length) };
    return Object.entries(entries).map(([key, value]) => ({ key, value }));
  }
}

function inForm(tensor: TensorProto, form: Form, files: Files): TensorProto {
  const floats = elementsFromBytes("float32", tensor.raw_data!) as Float32Array;
  const halves = narrowed(floats, "float16");
  const isHalf = form.startsWith("half");
  const bytes = bytesFromElements(isHalf ? halves : floats);
  const head = { dims: tensor.dims, name: tensor.name!, doc_string: "of the author", data_type: isHalf ? 10 : 1 };
  const $unknowns = [note(`in ${tensor.name}`)];
  switch (form) {
    case "raw":
    case "half raw":
      return { ...head, raw_data: bytes, $unknowns };
    case "list":
      return { ...head, $unknowns: [...$unknowns, bytesField(4, bytes)] };
    case "half list":
      return { ...head, $unknowns: [...$unknowns, bytesField(5, varints(halves))] };
    case "external":
    case "half external":
      return { ...head, data_location: 1, external_data: files.put("parts/w.bin", bytes)!, $unknowns };
  }
}

/** The multilayer perceptron with its weights in these forms, and with something in every corner of the file. */
function written(forms: readonly Form[]): { readonly bytes: Uint8Array; readonly files: Files } {
  const files = new Files();
  const model = decodeModel(modelFile(TINY_MLP.built));
  const graph = model.graph!;
  const given = graph.initializer!.map((tensor, at) => inForm(tensor, forms[at % forms.length]!, files));
  const unread = { dims: [3], data_type: 1, name: "unread", data_location: 1 };
  const dead = { ...unread, external_data: files.put("other.bin", text("twelve bytes"))! };
  const node = graph.node!.map((own) => ({ ...own, doc_string: "a node", $unknowns: [note("in a node")] }));
  const changedModel: ModelProto = {
    ...model,
    metadata_props: [{ key: "author", value: "someone" }],
    functions: [{ name: "unused", domain: "own", $unknowns: [note("in a function")] }],
    graph: { ...graph, node, initializer: [...given, dead], $unknowns: [note("in the graph")] },
    $unknowns: [note("in the model")],
  };
  return { bytes: encodeModel(changedModel), files };
}

interface Planned {
  readonly env: Env;
  readonly plan: Plan;
  readonly weights: Tensors;
}

async function planned({ bytes, files }: ReturnType<typeof written>): Promise<Planned> {
  const env = simulatedEnv();
  await env.files.makeDirectory("/in/parts");
  await env.files.makeDirectory("/out");
  await env.files.writeAtomic("/in/model.onnx", bytes);
  for (const [location, content] of files.external)
    await env.files.writeAtomic(`/in/${location}`, Uint8Array.from(content));
  const model = await loadModel(env, "/in/model.onnx");
  const compiled = await compile(model, {
    cluster: localCluster(2),
    pipeline: { schedule: "1f1b", microbatches: 2 },
    training: { loss: [parseLoss(TINY_MLP.loss)] },
    optimizer: SGD,
    partition: { model: "direct", solver: undefined },
    profile: "analytic",
  });
  const external = await readRemains(env, model);
  const contents = { ...compiled, weights: startValues(env, model), model: bytes };
  const plan = await writePlan(env, "/plan", external ? { ...contents, external } : contents);
  return { env, plan, weights: await readWeights(env, "/plan", plan) };
}

/** Weights after a step that adds 1 to every element. */
function stepped(weights: Tensors): Tensors {
  return new Map(
    [...weights].map(([name, tensor]) => {
      const floats = (elementsFromBytes("float32", tensor.bytes) as Float32Array).map((x) => x + 1);
      return [name, { ...tensor, bytes: bytesFromElements(floats) }];
    }),
  );
}

/** Everything of the file but the elements of `names`. */
function withoutElements(bytes: Uint8Array, names: ReadonlySet<string>): ModelProto {
  const model = decodeModel(bytes);
  const initializer = model.graph!.initializer!.map((tensor) => {
    if (!names.has(tensor.name!)) return tensor;
    const lists = (tensor.$unknowns ?? []).map((field) => (field[0] === 0x22 || field[0] === 0x2a ? field[0] : field));
    return { ...tensor, raw_data: tensor.raw_data?.length, lists, $unknowns: undefined } as unknown as TensorProto;
  });
  return { ...model, graph: { ...model.graph!, initializer } };
}

const anyForms = fc.array(fc.constantFrom(...FORMS), { minLength: 1, maxLength: 8 });

describe("writeTrained", () => {
  it("gives back the same bytes in every file when nothing was trained", async () => {
    await fc.assert(
      fc.asyncProperty(anyForms, async (forms) => {
        const source = written(forms);
        const { env, plan, weights } = await planned(source);
        await writeTrained(env, "/plan", plan, weights, "/out/model.onnx");
        expect(await env.files.read("/out/model.onnx")).toEqual(source.bytes);
        for (const [location, content] of source.files.external)
          expect(await env.files.read(`/out/${location}`)).toEqual(Uint8Array.from(content));
      }),
      { numRuns: 12 },
    );
  });

  it("changes the elements of parameters and nothing else", async () => {
    await fc.assert(
      fc.asyncProperty(anyForms, async (forms) => {
        const source = written(forms);
        const { env, plan, weights } = await planned(source);
        const { external, notes } = await writeTrained(env, "/plan", plan, stepped(weights), "/out/model.onnx");
        expect(notes).toEqual([]);
        expect([...external].sort()).toEqual([...source.files.external.keys()].sort());
        const names = new Set(weights.keys());
        const bytes = await env.files.read("/out/model.onnx");
        expect(withoutElements(bytes, names)).toEqual(withoutElements(source.bytes, names));
        const again = await planned({ bytes, files: await filesIn(env, external) });
        for (const tensor of decodeModel(source.bytes).graph!.initializer!.filter((own) => names.has(own.name!))) {
          const name = tensor.name!;
          expect(again.weights.get(name)!.bytes, name).toEqual(storable(tensor, stepped(weights).get(name)!));
        }
        expect(await env.files.read("/out/other.bin")).toEqual(text("gaptwelve bytes"));
      }),
      { numRuns: 12 },
    );
  });

  it("leaves files of other models alone and says under which names it writes", async () => {
    const { env, plan, weights } = await planned(written(["external"]));
    const before = await env.files.read("/in/parts/w.bin");
    const { external, notes } = await writeTrained(env, "/plan", plan, stepped(weights), "/in/trained.onnx");
    expect([...external].sort()).toEqual(["parts/trained.w.bin", "trained.other.bin"]);
    expect(notes).toContain("parts/w.bin is there already, so the trained data are in parts/trained.w.bin");
    expect(await env.files.read("/in/parts/w.bin")).toEqual(before);
    await loadModel(env, "/in/trained.onnx");
    const again = await writeTrained(env, "/plan", plan, weights, "/in/trained.onnx");
    expect([...again.external].sort()).toEqual(["parts/trained.2.w.bin", "trained.2.other.bin"]);
    expect(await env.files.read("/in/parts/trained.2.w.bin")).toEqual(before);
    expect(await env.files.list("/in/parts")).toEqual(["trained.2.w.bin", "w.bin"]);
  });

  it("takes tensors apart that overlapped in their file", async () => {
    const source = written(["raw"]);
    const model = decodeModel(source.bytes);
    const [first, second] = model.graph!.initializer!;
    const data = first!.raw_data!.length > second!.raw_data!.length ? first!.raw_data! : second!.raw_data!;
    const outside = (tensor: TensorProto): TensorProto => {
      const entries = { location: "parts/o.bin", offset: "0", length: String(tensor.raw_data!.length) };
      const external_data = Object.entries(entries).map(([key, value]) => ({ key, value }));
      return { dims: tensor.dims, name: tensor.name!, data_type: 1, data_location: 1, external_data };
    };
    source.files.external.set("parts/o.bin", [...data]);
    const initializer = model.graph!.initializer!.map((own, at) => (at < 2 ? outside(own) : own));
    const bytes = encodeModel({ ...model, graph: { ...model.graph!, initializer } });
    const { env, plan, weights } = await planned({ bytes, files: source.files });
    await writeTrained(env, "/plan", plan, weights, "/out/same.onnx");
    expect(await env.files.read("/out/parts/o.bin")).toEqual(data);
    await writeTrained(env, "/plan", plan, stepped(weights), "/out/model.onnx");
    const again = await loadWeights(env, await loadModel(env, "/out/model.onnx"));
    for (const [name, { bytes: wanted }] of stepped(weights)) expect(again.get(name)!.bytes, name).toEqual(wanted);
  });

  it("says which weights are too large for half precision, and writes the largest there is", async () => {
    const { env, plan, weights } = await planned(written(["half raw"]));
    const [name] = weights.keys();
    const tensor = weights.get(name!)!;
    const large = new Map([...weights, [name!, { ...tensor, bytes: new Uint8Array(tensor.bytes) }]]);
    new DataView(large.get(name!)!.bytes.buffer).setFloat32(0, -7e4, true);
    const { notes } = await writeTrained(env, "/plan", plan, large, "/out/model.onnx");
    expect(notes).toEqual([
      `"${name}": 1 element is too large for the half precision of the file, which has the largest number there is instead`,
    ]);
    const found = decodeModel(await env.files.read("/out/model.onnx")).graph!.initializer!.find(
      (own) => own.name === name,
    );
    expect([...found!.raw_data!.subarray(0, 2)]).toEqual([0xff, 0xfb]);
  });
});

async function filesIn(env: Env, locations: readonly string[]): Promise<Files> {
  const files = new Files();
  for (const location of locations) files.external.set(location, [...(await env.files.read(`/out/${location}`))]);
  return files;
}

/** New elements as the file can hold them: rounded where it has halves. */
function storable(tensor: TensorProto, { bytes }: { readonly bytes: Uint8Array }): Uint8Array {
  if (tensor.data_type !== 10) return bytes;
  const halves = narrowed(elementsFromBytes("float32", bytes) as Float32Array, "float16");
  return bytesFromElements(widened(halves, "float16"));
}
