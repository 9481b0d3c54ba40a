/** @file Fourier transforms as products with tables, and the windows that go with them. Source: ONNX DFT-20, STFT-17. */
import { listed } from "../../ir/listed.js";
import type { DType, Value } from "../../ir/graph.js";
import { literalOf } from "../../ir/literal.js";
import { normalizeAxis } from "../../ops/shape.js";
import { dtypeOf } from "../dtype.js";
import type { Decomposition, ImportEmitter, SourceNode } from "../source.js";
import { LONGEST_TRANSFORM, REFUSED_FORMS, refusedForm } from "../refused-forms.js";
import { constantNumbers, floatAt, malformedNode, numberAttr } from "../source.js";
import { stack, unstack } from "../structural/slices.js";
import { cast, concatenated, expanded, permuted, scalarOf, sliced } from "./emission.js";

/** Tables [rows, columns] of cos and −sin of 2π·n·k/length; the angle is reduced first, so that it is exact. */
function tables(
  b: ImportEmitter,
  length: number,
  [rows, columns]: readonly [number, number],
  dtype: DType,
): readonly [cos: Value, sin: Value] {
  if (length > LONGEST_TRANSFORM) throw refusedForm(REFUSED_FORMS.DFT.long, String(length));
  const angles = listed(
    rows * columns,
    (at) => (2 * Math.PI * ((Math.floor(at / columns) * (at % columns)) % length)) / length,
  );
  const table = (of: (angle: number) => number): Value => b.literal(literalOf(dtype, [rows, columns], angles.map(of)));
  return [table(Math.cos), table((angle) => -Math.sin(angle))];
}

/** A signal [..., length] of real and imaginary parts. */
interface Signal {
  readonly real: Value;
  readonly imaginary: Value | undefined;
}

/** The transform along the last axis. `sign` −1 turns it into the inverse without its factor. */
function transformed(
  b: ImportEmitter,
  { real, imaginary }: Signal,
  bins: number,
  sign: 1 | -1,
): Required<{ readonly real: Value; readonly imaginary: Value }> {
  const length = real.type.shape.at(-1)!;
  const [cos, forward] = tables(b, length, [length, bins], real.type.dtype);
  const sin = sign === 1 ? forward : b.emit("Neg", [forward]);
  const [rc, rs] = [b.emit("MatMul", [real, cos]), b.emit("MatMul", [real, sin])];
  if (!imaginary) return { real: rc, imaginary: rs };
  const [ic, is] = [b.emit("MatMul", [imaginary, cos]), b.emit("MatMul", [imaginary, sin])];
  return { real: b.emit("Sub", [rc, is]), imaginary: b.emit("Add", [rs, ic]) };
}

/**
 * The real signal behind the first half of its spectrum, along the last axis: every bin stands for its mirror image
 * too, but for the first one and, where the length is even, the middle one.
 */
function realSignal(b: ImportEmitter, { real, imaginary }: Signal, length: number): Value {
  const { dtype, shape } = real.type;
  const bins = shape.at(-1)!;
  const [cos, sin] = tables(b, length, [bins, length], dtype);
  const shares = listed(bins, (bin) => (bin === 0 || 2 * bin === length ? 1 : 2) / length);
  const share = b.literal(literalOf(dtype, [bins], shares));
  const summed = (part: Value, table: Value): Value => b.emit("MatMul", [b.emit("Mul", [part, share]), table]);
  const even = summed(real, cos);
  return imaginary ? b.emit("Add", [even, summed(imaginary, sin)]) : even;
}

/** Cut or continued by zeros to a length, along the last axis. */
function ofLength(b: ImportEmitter, x: Value, length: number): Value {
  const { shape } = x.type;
  const own = shape.at(-1)!;
  if (own >= length) return sliced(b, x, shape.length - 1, 0, length);
  const zeros = expanded(b, scalarOf(b, 0, x), [...shape.slice(0, -1), length - own]);
  return concatenated(b, [x, zeros], shape.length - 1);
}

/** Input [..., 1 or 2]: the last axis holds real and imaginary part; `axis` is transformed. */
const dft: Decomposition = (b, node) => {
  const x = floatAt(node, 0);
  const rank = x.type.shape.length;
  const given = node.inputs[2] ? constantNumbers(b, node, 2)[0]! : -2;
  const axis = normalizeAxis(given, rank);
  if (axis === rank - 1)
    throw malformedNode(node, "the last axis holds real and imaginary parts; expected another one");
  const inverse = numberAttr(node, "inverse", 0) !== 0;
  const oneSided = numberAttr(node, "onesided", 0) !== 0;
  const toReal = oneSided && inverse;
  const own = x.type.shape[axis]!;
  const length = node.inputs[1] ? constantNumbers(b, node, 1)[0]! : toReal ? 2 * (own - 1) : own;
  const bins = oneSided ? Math.floor(length / 2) + 1 : length;
  const last = rank - 2;
  const toLast = Array.from({ length: rank - 1 }, (_, own) => own)
    .filter((own) => own !== axis)
    .concat(axis);
  const back = toLast.map((_, own) => toLast.indexOf(own));
  const [real, imaginary] = unstack(b, x, rank - 1).map((part) =>
    ofLength(b, permuted(b, part, toLast), toReal ? bins : length),
  );
  if (toReal) return [stack(b, [permuted(b, realSignal(b, { real: real!, imaginary }, length), back)], last + 1)];
  const spectrum = transformed(b, { real: real!, imaginary }, bins, inverse ? -1 : 1);
  const parts = [spectrum.real, spectrum.imaginary].map((part) => {
    const scaled = inverse ? b.emit("Div", [part, scalarOf(b, length, part)]) : part;
    return permuted(b, scaled, back);
  });
  return [stack(b, parts, last + 1)];
};

/** Frames of a signal [batch, length, 1 or 2], each windowed and transformed: [batch, frames, bins, 2]. */
const shortTime: Decomposition = (b, node) => {
  const signal = floatAt(node, 0);
  const step = constantNumbers(b, node, 1)[0]!;
  const window = node.inputs[2];
  const frame = node.inputs[3] ? constantNumbers(b, node, 3)[0]! : window?.type.shape[0];
  const samples = signal.type.shape[1]!;
  if (frame === undefined || frame < 1 || step < 1 || frame > samples)
    throw malformedNode(node, `frames of ${frame} samples every ${step} do not fit ${samples}`);
  const frames = 1 + Math.floor((samples - frame) / step);
  const positions = listed(frames * frame, (at) => Math.floor(at / frame) * step + (at % frame));
  const table = b.literal(literalOf("int64", [frames, frame], positions));
  const [real, imaginary] = (signal.type.shape.length === 3 ? unstack(b, signal, 2) : [signal]).map((part) => {
    const cut = b.emit("Gather", [part, table], { axis: 1 });
    return window ? b.emit("Mul", [cut, window]) : cut;
  });
  const bins = numberAttr(node, "onesided", 1) ? Math.floor(frame / 2) + 1 : frame;
  const spectrum = transformed(b, { real: real!, imaginary }, bins, 1);
  return [stack(b, [spectrum.real, spectrum.imaginary], 3)];
};

/** A window of cosines: Σ (−1)^j · coefficients[j] · cos(2π·j·n/N), N one less when it is symmetric. */
function cosineWindow(coefficients: readonly number[]): Decomposition {
  return (b, node: SourceNode) => {
    const size = constantNumbers(b, node, 0)[0]!;
    if (size < 0) throw malformedNode(node, `its size is ${size}`);
    const period = numberAttr(node, "periodic", 1) ? size : size - 1;
    const numbers = listed(size, (n) =>
      coefficients.reduce((sum, own, j) => sum + (j % 2 ? -1 : 1) * own * Math.cos((2 * Math.PI * j * n) / period), 0),
    );
    const dtype = dtypeOf(numberAttr(node, "output_datatype", 1), `node ${node.name}`);
    return [cast(b, b.literal(literalOf("float32", [size], numbers)), dtype)];
  };
}

export const spectrum: Readonly<Record<string, Decomposition>> = {
  DFT: dft,
  STFT: shortTime,
  HannWindow: cosineWindow([0.5, 0.5]),
  HammingWindow: cosineWindow([25 / 46, 21 / 46]),
  BlackmanWindow: cosineWindow([0.42, 0.5, 0.08]),
};
