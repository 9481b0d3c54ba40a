/** @file Changes bytes of a model: blindly, and knowing where protobuf fields begin. */

/** Seeded random whole numbers below a bound. Source: Marsaglia 2003, xorshift32. */
export function randomBelow(seed: number): (bound: number) => number {
  let state = (seed ^ 0x9e3779b9) | 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

type Below = ReturnType<typeof randomBelow>;

/** A field on the wire: its tag, its payload, its end. */
interface Span {
  readonly start: number;
  readonly payload: number;
  readonly end: number;
  readonly wire: number;
}

/** Values at which readers go wrong, as varints: 0, 1, -1, 2^31, 2^53, 2^63-1, and others around. */
const EDGES = [0n, 1n, 2n, 127n, 128n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];

/** A model with one to four changes. The input is not changed. */
export function mutate(model: Uint8Array, other: Uint8Array, below: Below): Uint8Array {
  let bytes: Uint8Array = model.slice();
  for (let left = 1 + below(4); left > 0; left--)
    bytes = below(3) === 0 ? changeBytes(bytes, below) : changeField(bytes, other, below);
  return bytes;
}

function changeBytes(bytes: Uint8Array, below: Below): Uint8Array {
  if (bytes.length === 0) return Uint8Array.of(below(256));
  const at = below(bytes.length);
  switch (below(4)) {
    case 0:
      return splice(bytes, at, at, Uint8Array.of(below(256)));
    case 1:
      return splice(bytes, at, Math.min(bytes.length, at + 1 + below(8)), new Uint8Array());
    case 2:
      return bytes.slice(0, at);
    default: {
      const changed = bytes.slice();
      changed[at]! ^= 1 << below(8);
      return changed;
    }
  }
}

/** Deletes, doubles, swaps or replaces a field anywhere in the tree, and corrects the lengths around it. */
function changeField(bytes: Uint8Array, other: Uint8Array, below: Below): Uint8Array {
  const path = randomPath(bytes, below);
  const own = path.at(-1);
  if (!own) return changeBytes(bytes, below);
  const field = bytes.subarray(own.start, own.end);
  switch (below(5)) {
    case 0:
      return rebuilt(bytes, path, new Uint8Array());
    case 1:
      return rebuilt(bytes, path, joined(field, field));
    case 2: {
      const foreign = randomPath(other, below).at(-1);
      return rebuilt(bytes, path, foreign ? other.subarray(foreign.start, foreign.end) : new Uint8Array());
    }
    case 3: {
      const tag = bytes.subarray(own.start, own.start + 1);
      return rebuilt(bytes, path, joined(tag, own.wire === 0 ? varint(EDGES[below(EDGES.length)]!) : varint(0n)));
    }
    default: {
      if (own.wire !== 2) return changeBytes(bytes, below);
      const payload = changeBytes(bytes.slice(own.payload, own.end), below);
      return rebuilt(
        bytes,
        path,
        joined(bytes.subarray(own.start, own.start + 1), varint(BigInt(payload.length)), payload),
      );
    }
  }
}

/** Fields from the outside inwards to a random one. */
function randomPath(bytes: Uint8Array, below: Below): readonly Span[] {
  const path: Span[] = [];
  for (let [start, end] = [0, bytes.length]; path.length < 12;) {
    const fields = fieldsOf(bytes, start, end);
    if (fields.length === 0) break;
    const chosen = fields[below(fields.length)]!;
    path.push(chosen);
    if (chosen.wire !== 2 || below(4) === 0) break;
    [start, end] = [chosen.payload, chosen.end];
  }
  return path;
}

/** The fields of a message; none when the bytes are no message. */
function fieldsOf(bytes: Uint8Array, from: number, to: number): readonly Span[] {
  const fields: Span[] = [];
  for (let at = from; at < to;) {
    const wire = bytes[at]! & 7;
    if (bytes[at]! >= 0x80 || bytes[at]! < 8 || ![0, 1, 2, 5].includes(wire)) return [];
    let [value, shift, payload] = [0, 1, at + 1];
    if (wire === 0 || wire === 2) {
      for (let more = true; more && payload < to; payload++, shift *= 128) {
        value += (bytes[payload]! & 0x7f) * shift;
        more = bytes[payload]! >= 0x80;
      }
    }
    const end = wire === 0 ? payload : payload + (wire === 2 ? value : wire === 1 ? 8 : 4);
    if (end > to) return [];
    fields.push({ start: at, payload, end, wire });
    at = end;
  }
  return fields;
}

/** The model with the last field of the path replaced, and the lengths of those around it set again. */
function rebuilt(bytes: Uint8Array, path: readonly Span[], replacement: Uint8Array): Uint8Array {
  let inner = replacement;
  for (let depth = path.length - 1; depth > 0; depth--) {
    const [around, own] = [path[depth - 1]!, path[depth]!];
    const payload = joined(bytes.subarray(around.payload, own.start), inner, bytes.subarray(own.end, around.end));
    inner = joined(bytes.subarray(around.start, around.start + 1), varint(BigInt(payload.length)), payload);
  }
  return splice(bytes, path[0]!.start, path[0]!.end, inner);
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  for (; value >= 128n; value >>= 7n) bytes.push(Number(value & 127n) | 0x80);
  return Uint8Array.from([...bytes, Number(value)]);
}

function splice(bytes: Uint8Array, from: number, to: number, replacement: Uint8Array): Uint8Array {
  return joined(bytes.subarray(0, from), replacement, bytes.subarray(to));
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
