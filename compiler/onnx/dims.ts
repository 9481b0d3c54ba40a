/** @file Static types of graph inputs: symbolic dims get the sizes that the caller binds. */
import { PipewrightError } from "../errors.js";
import type { TensorType } from "../ir/graph.js";
import { checkedElementCount } from "../ir/checked.js";
import { suggestion } from "../closest.js";
import { formatName, plainName } from "../names.js";
import { dtypeOf } from "./dtype.js";
import type { ModelLimits } from "./limits.js";
import { overLimit } from "./limits.js";
import { trainingDType } from "./precision.js";
import type { DimensionProto, ValueInfoProto } from "./proto.js";
import { has, numberOf } from "./proto.js";

/** Names that a message lists. */
const SHOWN = 20;

/** What the caller says of shapes. */
export interface ShapeOptions {
  /** Size of each symbolic dim, by its name; a dim without a name is called "<input>.<axis>". */
  readonly bind: Readonly<Record<string, number>>;
  /** Whole shapes by input name; needed where the file gives none. */
  readonly inputShapes: Readonly<Record<string, readonly number[]>>;
}

/** The types of the given inputs, in order. @throws DIM_UNBOUND naming all dims without a size; USAGE; MODEL_*. */
export function staticTypes(
  infos: readonly ValueInfoProto[],
  options: ShapeOptions,
  limits: ModelLimits,
): readonly TensorType[] {
  const binder = new Binder(options);
  const types = infos.map((info) => binder.typeOf(info, limits));
  binder.finish(new Set(infos.map(({ name }) => name)));
  return types;
}

/** The size that old exporters write where none is known. */
const UNSET = -1;

class Binder {
  readonly #options: ShapeOptions;
  readonly #unbound = new Map<string, string>();
  readonly #shapeless: string[] = [];
  readonly #symbols = new Set<string>();

  constructor(options: ShapeOptions) {
    this.#options = options;
  }

  typeOf(info: ValueInfoProto, limits: ModelLimits): TensorType {
    const where = `input ${plainName(info.name)}`;
    const { type } = info;
    if (!type?.tensor_type) {
      const kind = type?.sparse_tensor_type
        ? "a sparse tensor"
        : type?.sequence_type
          ? "a sequence"
          : type?.optional_type
            ? "an optional"
            : type?.map_type
              ? "a map"
              : undefined;
      if (kind)
        throw new PipewrightError("MODEL_UNSUPPORTED", `${where}: it is ${kind}; only dense tensors can be fed.`);
      throw new PipewrightError("MODEL_MALFORMED", `${where}: it has no tensor type.`, { input: info.name });
    }
    const dtype = trainingDType(dtypeOf(type.tensor_type.elem_type, where));
    const dims = type.tensor_type.shape?.dim ?? (type.tensor_type.shape ? [] : undefined);
    const shape = this.#shape(info.name, dims);
    if (shape.length > limits.axes) throw overLimit("axes", `number of axes of ${where}`, shape.length, limits.axes);
    const elements = checkedElementCount(shape);
    if (elements > limits.tensorElements)
      throw overLimit("tensorElements", `size of ${where}`, elements, limits.tensorElements);
    return { dtype, shape };
  }

  finish(inputs: ReadonlySet<string>): void {
    for (const name of Object.keys(this.#options.inputShapes)) {
      if (inputs.has(name)) continue;
      throw new PipewrightError(
        "USAGE",
        `input shape ${plainName(name)}: the model has no such input.${suggestion(name, inputs)}`,
      );
    }
    for (const name of Object.keys(this.#options.bind)) {
      if (this.#symbols.has(name)) continue;
      const all = [...this.#symbols];
      const known =
        all.length === 0
          ? "The model has no symbolic dims."
          : `It has ${all.slice(0, SHOWN).map(plainName).join(", ")}${all.length > SHOWN ? ", …" : ""}.`;
      throw new PipewrightError(
        "USAGE",
        `--bind ${plainName(name)}: the model has no dim of that name.${suggestion(name, all)} ${known}`,
        { dims: all },
      );
    }
    if (this.#shapeless.length > 0) {
      throw new PipewrightError(
        "DIM_UNBOUND",
        `input ${this.#shapeless.map(plainName).join(", ")}: the file gives no shape. Give one, for example --input-shape ${plainName(this.#shapeless[0]!)}=1,3,224,224.`,
        { inputs: [...this.#shapeless] },
      );
    }
    if (this.#unbound.size === 0) return;
    const names = [...this.#unbound.keys()];
    const places = names.map((name) => `${plainName(name)} (${this.#unbound.get(name)})`).join(", ");
    throw new PipewrightError(
      "DIM_UNBOUND",
      `model: ${names.length === 1 ? "a dim has" : `${names.length} dims have`} no size: ${places}. Give ${names.map((name) => `--bind ${plainName(name)}=SIZE`).join(" ")}.`,
      { dims: names },
    );
  }

  #shape(input: string, dims: readonly DimensionProto[] | undefined): readonly number[] {
    if (Object.hasOwn(this.#options.inputShapes, input)) {
      const given = this.#options.inputShapes[input]!;
      if (dims && dims.length !== given.length) {
        throw new PipewrightError(
          "USAGE",
          `input shape ${input}: got ${given.length} axes, the model has ${dims.length}.`,
        );
      }
      for (const { dim_param } of dims ?? []) if (dim_param) this.#symbols.add(dim_param);
      return given;
    }
    if (!dims) {
      this.#shapeless.push(input);
      return [];
    }
    return dims.map((dim, axis) => this.#size(input, axis, dim));
  }

  #size(input: string, axis: number, dim: DimensionProto): number {
    const fixed = has(dim, "dim_value") ? numberOf(dim.dim_value!) : UNSET;
    if (fixed < UNSET) {
      throw new PipewrightError(
        "MODEL_MALFORMED",
        `input ${formatName(input)}: axis ${axis} has the size ${fixed}; expected 0 or more. Export the model again.`,
        { input },
      );
    }
    if (fixed !== UNSET) return fixed;
    const symbol = dim.dim_param || `${input}.${axis}`;
    this.#symbols.add(symbol);
    const { bind } = this.#options;
    if (!Object.hasOwn(bind, symbol)) {
      if (!this.#unbound.has(symbol)) this.#unbound.set(symbol, `axis ${axis} of input ${input}`);
      return 1;
    }
    const size = bind[symbol]!;
    if (Number.isSafeInteger(size) && size >= 0) return size;
    throw new PipewrightError("USAGE", `--bind ${symbol}: got ${size}, expected a whole number of at least 0.`);
  }
}
