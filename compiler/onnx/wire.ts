/**
 * @file The protobuf wire format at its lowest level: tags, varints, bounds. Used where bytes are looked at without
 * building objects: the budget pass before decoding, and tensor data.
 * Source: protobuf.dev/programming-guides/encoding.
 */
import { PipewrightError } from "../errors.js";

/** How a field's payload is laid out. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, groupStart: 3, groupEnd: 4, fixed32: 5 } as const;

const MAX_FIELD = 2 ** 29 - 1;

/** A cursor over bytes that never reads past `end`. Positions are offsets in the whole buffer. */
export class WireReader {
  readonly bytes: Uint8Array;
  position: number;
  end: number;

  constructor(bytes: Uint8Array, position = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  /** The next varint; at most 10 bytes. Exact up to 2^53, above that rounded: only sizes and tags need exactness. */
  varint(): number {
    let value = 0;
    let scale = 1;
    const start = this.position;
    for (let count = 0; count < 10; count++) {
      if (this.position >= this.end) throw malformed(start, "a number is cut off by the end of its message");
      const byte = this.bytes[this.position++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (count === 9 && byte > 1) throw malformed(start, "a number has more than 64 bits");
        return value;
      }
      scale *= 128;
    }
    throw malformed(start, "a number has more than 10 bytes");
  }

  /** The next varint as a 64-bit pattern. */
  varint64(): bigint {
    let value = 0n;
    let shift = 0n;
    const start = this.position;
    for (let count = 0; count < 10; count++) {
      if (this.position >= this.end) throw malformed(start, "a number is cut off by the end of its message");
      const byte = this.bytes[this.position++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
      shift += 7n;
    }
    throw malformed(start, "a number has more than 10 bytes");
  }

  /** The next tag. */
  tag(): { readonly field: number; readonly wire: number } {
    const start = this.position;
    const tag = this.varint();
    const field = Math.floor(tag / 8);
    const wire = tag % 8;
    if (field === 0 || field > MAX_FIELD) throw malformed(start, `a field has the number ${field}`);
    if (wire > 5) throw malformed(start, `field ${field} has the wire type ${wire}, which does not exist`);
    return { field, wire };
  }

  /** The length of a length-delimited payload, checked against the end of the message around it. */
  length(): number {
    const start = this.position;
    const length = this.varint();
    if (length > this.end - this.position) {
      throw malformed(start, `a field claims ${length} bytes, but its message ends after ${this.end - this.position}`);
    }
    return length;
  }

  /** Passes over a payload that is no group. */
  skip(wire: number): void {
    if (wire === WIRE.varint) this.varint();
    else if (wire === WIRE.bytes) this.position += this.length();
    else {
      const size = wire === WIRE.fixed64 ? 8 : 4;
      if (size > this.end - this.position)
        throw malformed(this.position, "a number is cut off by the end of its message");
      this.position += size;
    }
  }
}

/** A varint field value as bytes. */
function encodeVarint(value: number): readonly number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return bytes;
}

/** Numbers of at least 0, one varint after the other. */
export function varints(numbers: Iterable<number>): Uint8Array {
  const bytes: number[] = [];
  for (const number of numbers) for (const byte of encodeVarint(number)) bytes.push(byte);
  return Uint8Array.from(bytes);
}

/** One length-delimited field: tag, length, payload. */
export function bytesField(field: number, payload: Uint8Array): Uint8Array {
  const head = [...encodeVarint(field * 8 + WIRE.bytes), ...encodeVarint(payload.length)];
  const whole = new Uint8Array(head.length + payload.length);
  whole.set(head);
  whole.set(payload, head.length);
  return whole;
}

/** The error for bytes that are no protobuf message. */
export function malformed(offset: number, what: string): PipewrightError {
  return new PipewrightError(
    "MODEL_MALFORMED",
    `model file: at byte ${offset} ${what}. The file is damaged or is no ONNX model.`,
    {
      offset,
    },
  );
}
