/** @file Short forms in which gradient rules write arithmetic. Numbers become scalars of the other operand's element type. */
import type { Value } from "../ir/graph.js";
import type { Emitter } from "./define.js";

type Operand = Value | number;

function value(b: Emitter, operand: Operand, like: Operand): Value {
  if (typeof operand !== "number") return operand;
  return b.scalar(operand, (like as Value).type.dtype);
}

/** a + c. At least one is a value. */
export function add(b: Emitter, a: Operand, c: Operand): Value {
  return b.emit("Add", [value(b, a, c), value(b, c, a)]);
}

/** a − c. At least one is a value. */
export function sub(b: Emitter, a: Operand, c: Operand): Value {
  return b.emit("Sub", [value(b, a, c), value(b, c, a)]);
}

/** a · c. At least one is a value. */
export function mul(b: Emitter, a: Operand, c: Operand): Value {
  return b.emit("Mul", [value(b, a, c), value(b, c, a)]);
}

/** a ÷ c. At least one is a value. */
export function div(b: Emitter, a: Operand, c: Operand): Value {
  return b.emit("Div", [value(b, a, c), value(b, c, a)]);
}

/** −a. */
export function neg(b: Emitter, a: Value): Value {
  return b.emit("Neg", [a]);
}

/** a². */
export function square(b: Emitter, a: Value): Value {
  return b.emit("Mul", [a, a]);
}

/** a > c, elementwise. At least one is a value. */
export function greater(b: Emitter, a: Operand, c: Operand): Value {
  return b.emit("Greater", [value(b, a, c), value(b, c, a)]);
}

/** a = c, elementwise. At least one is a value. */
export function equal(b: Emitter, a: Operand, c: Operand): Value {
  return b.emit("Equal", [value(b, a, c), value(b, c, a)]);
}

/** a where `condition` holds, else c. At least one of a and c is a value. */
export function select(b: Emitter, condition: Value, a: Operand, c: Operand): Value {
  return b.emit("Where", [condition, value(b, a, c), value(b, c, a)]);
}
