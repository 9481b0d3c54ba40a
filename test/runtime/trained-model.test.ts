import { describe, expect, it } from "vitest";
import { decodeModel, encodeModel } from "../../compiler/onnx/codec.js";
import { importModel } from "../../compiler/onnx/import.js";
import { weightBytes } from "../../compiler/onnx/weights.js";
import type { Tensors } from "../../compiler/plan/safetensors.js";
import { modelFile } from "../../models/file.js";
import { buildMlp } from "../../models/mlp.js";
import { withWeights } from "../../runtime/trained-model.js";

const built = buildMlp({ batch: 2, inputs: 3, widths: [4], classes: 2 });
const file = modelFile(built);
const trained: Tensors = new Map(
  built.graph.params.map(({ name, type }) => {
    const elements = built.weights.get(name)!.map((x) => x + 1);
    return [name, { ...type, bytes: new Uint8Array(elements.buffer) }];
  }),
);

function weightsOf(bytes: Uint8Array): ReadonlyMap<string, number[]> {
  const { graph, weights } = importModel(bytes);
  return new Map(
    graph.params.map(({ id, name, type }) => {
      const source = weights.get(id)!;
      if (source.kind === "external") throw new Error(`${name} is still external`);
      return [name, [...new Float32Array(Uint8Array.from(weightBytes(source, type)).buffer)]];
    }),
  );
}

describe("withWeights", () => {
  it("replaces every weight and nothing else", () => {
    const got = weightsOf(withWeights(file, trained));
    for (const [name, elements] of built.weights) expect(got.get(name)).toEqual([...elements.map((x) => x + 1)]);
    const { node } = decodeModel(withWeights(file, trained)).graph!;
    expect(node).toEqual(decodeModel(file).graph!.node);
  });

  it("moves external tensors into the file", () => {
    const model = decodeModel(file);
    const initializer = model.graph!.initializer!.map(({ dims, data_type, name, raw_data }) => ({
      dims,
      data_type,
      name: name!,
      data_location: 1,
      external_data: [
        { key: "location", value: "weights.bin" },
        { key: "length", value: String(raw_data!.length) },
      ],
    }));
    const external = encodeModel({ ...model, graph: { ...model.graph!, initializer } });
    expect(weightsOf(withWeights(external, trained))).toEqual(weightsOf(withWeights(file, trained)));
  });

  it("refuses weights that have no place in the file", () => {
    const more: Tensors = new Map([
      ...trained,
      ["nowhere", { dtype: "float32", shape: [1], bytes: new Uint8Array(4) }],
    ]);
    expect(() => withWeights(file, more)).toThrow('parameter "nowhere": it is made inside a function or a loop');
  });
});
