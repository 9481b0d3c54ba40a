/** @file What linking promises of every plan: all nodes once, every port resolvable, W local to its stage, one owner per parameter. */
import { beforeAll, describe, expect, it } from "vitest";
import { localCluster } from "../../../compiler/cluster.js";
import type { Value } from "../../../compiler/ir/graph.js";
import type { Differentiated } from "../../../compiler/autodiff/differentiated.js";
import type { Compiled } from "../../../compiler/compile.js";
import { parseLoss } from "../../../compiler/loss/spec.js";
import { decodeModel } from "../../../compiler/onnx/codec.js";
import { OPS } from "../../../compiler/ops/registry.js";
import type { Plan } from "../../../compiler/plan/plan.js";
import { trainingGraph } from "../../../compiler/training.js";
import { ModelBuilder } from "../../../models/model.js";
import { gptLesson } from "../../../models/lesson.js";
import type { TinyModel } from "../../support/tiny-models.js";
import { compileTiny, TIED_GPT, TINY_MLP, TINY_RESNET } from "../../support/tiny-models.js";

const MODELS: readonly [string, TinyModel][] = [
  ["mlp", TINY_MLP],
  ["tied gpt", TIED_GPT],
  ["resnet", TINY_RESNET],
];
const PIPELINES = [
  ["1f1b", 1],
  ["1f1b", 3],
  ["interleaved-1f1b", 2],
  ["zb-h1", 3],
  ["zb-v", 2],
] as const;

function differentiated({ built, loss }: TinyModel): Differentiated {
  return trainingGraph(built.graph, OPS, { loss: [parseLoss(loss)] }).differentiated;
}

/** Names of the nodes of a stage graph, by its file. */
function nodeNames({ programs }: Compiled): ReadonlyMap<string, readonly string[]> {
  return new Map(
    [...programs].map(([file, bytes]) => [file, decodeModel(bytes).graph!.node!.map(({ name }) => name!)] as const),
  );
}

const stagePrograms = ({ stages }: Pick<Plan, "stages">) =>
  stages.flatMap((stage) => stage.programs.map((program) => ({ ...program, stage: stage.index })));

describe.each(MODELS)("%s", (_, model) => {
  describe.each(PIPELINES)("under %s on %i devices", (schedule, devices) => {
    let compiled: Compiled;
    beforeAll(async () => {
      compiled = await compileTiny(model, { schedule, devices });
    });

    it("runs every node of the graph in exactly one program", () => {
      const names = nodeNames(compiled);
      const { graph, phase } = differentiated(model);
      const ran = [...names].flatMap(([file, list]) => (file.includes(".update.") ? [] : list));
      expect(new Set(ran).size).toBe(ran.length);
      expect(graph.nodes.filter(({ name }) => !ran.includes(name))).toEqual([]);
      const { stages } = compiled.plan;
      expect(stages.reduce((sum, { nodes }) => sum + nodes, 0)).toBe(
        graph.nodes.filter(({ id }) => phase.get(id) === "F").length,
      );
    });

    it("has a place for every port, and one maker for every slot", () => {
      const { plan } = compiled;
      const programs = stagePrograms(plan);
      const slots = plan.slotGroups.flatMap(({ values }) => values.map(({ name }) => name));
      expect(new Set(slots).size).toBe(slots.length);
      const params = new Set(plan.parameters.map(({ name }) => name));
      for (const { inputs } of programs) {
        for (const port of inputs) {
          if (port.at === "slot") expect(slots).toContain(port.tensor);
          else if (port.at === "input") expect(plan.inputs.map(({ name }) => name)).toContain(port.tensor);
          else if (port.at !== "result") expect(params).toContain(port.param);
        }
      }
      for (const { stage, program, values } of plan.slotGroups) {
        for (const { name } of values) {
          const makers = programs.filter(({ outputs }) =>
            outputs.some((port) => port.at === "slot" && port.tensor === name),
          );
          expect(makers.map(({ stage: at, kind }) => [at, kind])).toEqual([[stage, program]]);
        }
      }
    });

    it("sums each gradient once, on the stage that owns the parameter", () => {
      const { plan } = compiled;
      const sums = stagePrograms(plan).flatMap(({ stage, outputs }) =>
        outputs.flatMap((port) => (port.at === "accumulator" ? [{ stage, param: port.param }] : [])),
      );
      const trained = plan.parameters.filter(({ trainable }) => trainable);
      const byName = (a: { param: string }, b: { param: string }) => (a.param < b.param ? -1 : 1);
      expect(sums.sort(byName)).toEqual(trained.map(({ name, stage }) => ({ stage, param: name })).sort(byName));
      for (const { index, update } of plan.stages)
        expect(update !== undefined).toBe(trained.some(({ stage }) => stage === index));
    });

    it("lets no weight gradient feed another stage", () => {
      const { plan } = compiled;
      const ofWeights = plan.slotGroups.filter(({ program }) => program === "weight-grad");
      const tensors = new Map(
        ofWeights.flatMap(({ stage, values }) => values.map(({ name }) => [name, stage] as const)),
      );
      for (const { stage, inputs } of stagePrograms(plan))
        for (const { tensor } of inputs) expect(tensors.get(tensor) ?? stage).toBe(stage);
    });

    it("counts bytes once: what a stage sends is what other devices read", () => {
      const { plan } = compiled;
      for (const { index, sendBytes, device } of plan.stages) {
        const sent = plan.slotGroups.filter(
          ({ stage, values }) => stage === index && values.some(({ shared }) => shared),
        );
        const bytes = sent
          .flatMap(({ values }) => values)
          .reduce((sum, { shape, dtype }) => {
            const size = dtype === "float32" ? 4 : dtype === "int64" ? 8 : 1;
            return sum + size * shape.reduce((product, axis) => product * axis, 1);
          }, 0);
        expect(sendBytes).toBe(bytes);
        const readers = stagePrograms(plan).filter(({ inputs }) =>
          inputs.some(({ tensor }) => sent.some(({ values }) => values.some(({ name }) => name === tensor))),
        );
        expect(readers.some(({ stage }) => plan.stages[stage]!.device !== device)).toBe(sent.length > 0);
      }
    });
  });
});

/** x·w, then x·v, then x·w again. */
function tiedModel(): Pick<TinyModel, "built" | "loss"> {
  const model = new ModelBuilder(0);
  const { graph } = model;
  const square = (name: string): Value => model.param(name, [4, 4], { deviation: 0.5 });
  const [w, v] = [square("w"), square("v")];
  const x = graph.input("x", { dtype: "float32", shape: [2, 4] });
  const last = [w, v, w].reduce((value, weight) => graph.emit("Tanh", [graph.emit("MatMul", [value, weight])]), x);
  return { built: model.build("tied", [last]), loss: "mse" };
}

describe("parameters", () => {
  it.each(["1f1b", "zb-h1"])("that are tied belong to the stage of the first reader, under %s", async (schedule) => {
    const { plan } = await compileTiny(tiedModel(), { schedule });
    expect(plan.parameters.find(({ name }) => name === "w")).toMatchObject({ stage: 0, readers: [1], trainable: true });
    const reading = stagePrograms(plan).filter(({ inputs }) =>
      inputs.some((port) => port.at === "param" && port.param === "w"),
    );
    expect(new Set(reading.map(({ stage }) => stage))).toEqual(new Set([0, 1]));
  });

  it("that the forward pass replaces are not trained and stay on the stage that replaces them", async () => {
    const { plan } = await compileTiny(TINY_RESNET, { devices: 3 });
    const states = plan.parameters.filter(({ name }) => /mean$|variance$/.test(name));
    expect(states).toHaveLength(12);
    for (const { name, stage, trainable, readers } of states) {
      expect({ name, trainable, readers }).toEqual({ name, trainable: false, readers: [] });
      const writers = stagePrograms(plan).filter(({ outputs }) =>
        outputs.some((port) => port.at === "param" && port.param === name),
      );
      expect(writers.map(({ stage: at, kind }) => [at, kind])).toEqual([[stage, "forward"]]);
    }
  });
});

it("hands out results of the stage that makes them, the loss first", async () => {
  const { plan } = await compileTiny(TINY_MLP, { devices: 3, withOutputs: true });
  expect(plan.results).toEqual([
    { name: "loss", dtype: "float32", shape: [], stage: 2 },
    { name: "logits", dtype: "float32", shape: [2, 2], stage: 2 },
    { name: "x/grad", dtype: "float32", shape: [2, 3], stage: 0 },
  ]);
  expect(plan.inputs).toEqual([
    { name: "x", dtype: "float32", shape: [2, 3], batchAxis: 0, stages: [0] },
    { name: "labels", dtype: "int64", shape: [2], batchAxis: 0, below: 2, stages: [2] },
  ]);
});

it("asks nothing of the link between stages of one device", async () => {
  const { plan } = await compileTiny(TINY_MLP, { cluster: localCluster(1), schedule: "zb-v" });
  expect(plan.stages.map(({ device, sendBytes }) => [device, sendBytes])).toEqual([
    [0, 0],
    [0, 0],
  ]);
});

it("ends a program of I with what nothing in it reads, the first at the end, and no other program", async () => {
  const lesson = gptLesson({ layers: 2, width: 8, heads: 2, sequence: 8, batch: 4, vocabulary: 7 });
  const [split, whole] = await Promise.all(["zb-h1", "1f1b"].map((schedule) => compileTiny(lesson, { schedule })));
  const placeOf = new Map(differentiated(lesson).graph.nodes.map(({ name }, at) => [name, at]));
  const places = (nodes: readonly { readonly name?: string | null }[]): number[] =>
    nodes.map(({ name }) => placeOf.get(name!) ?? Infinity);
  const ascending = (list: readonly number[]): number[] => [...list].sort((a, b) => a - b);
  const programs = ({ programs: files }: Compiled, kind: string) =>
    [...files].flatMap(([file, bytes]) => (file.includes(`.${kind}.`) ? [decodeModel(bytes).graph!.node!] : []));
  for (const nodes of programs(split!, "input-grad")) {
    const read = new Set(nodes.flatMap(({ input }) => input!));
    const ends = nodes.filter(({ output }) => !output!.some((name) => read.has(name)));
    expect(ends.length).toBeGreaterThan(4);
    expect(nodes.slice(-ends.length)).toEqual(ends);
    expect(places(ends)).toEqual(ascending(places(ends)).reverse());
  }
  const others = [...programs(whole!, "backward"), ...programs(split!, "weight-grad")];
  expect(others.length).toBe(4);
  for (const nodes of others) expect(places(nodes)).toEqual(ascending(places(nodes)));
});
