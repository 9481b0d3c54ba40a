/** @file Names of the file and what they stand for, scope by scope: the main graph, branches, loop bodies, functions. */
import type { Value } from "../ir/graph.js";
import type { AttributeProto } from "./proto.js";

/** What a name can stand for while a model is imported. Only tensors get into the IR. */
export type Bound = Value | Sequence | Optional | Unknown;

/** A list of tensors whose length is known. */
export interface Sequence {
  readonly kind: "sequence";
  readonly items: readonly Bound[];
}

/** A value that may be absent. */
export interface Optional {
  readonly kind: "optional";
  readonly item: Bound | undefined;
}

/** The result of a node that is not supported: nothing is known of it, and it is reported once. */
export interface Unknown {
  readonly kind: "unknown";
}

export const UNKNOWN: Unknown = { kind: "unknown" };

/** True for a tensor. */
export function isTensor(bound: Bound): bound is Value {
  return !("kind" in bound);
}

/** True for what an unsupported node made, and for a sequence that holds such a thing. */
export function isUnknown(bound: Bound): boolean {
  if (isTensor(bound)) return false;
  return bound.kind === "unknown" || (bound.kind === "sequence" && bound.items.some(isUnknown));
}

/** One level of names. Inner graphs see the names around them; functions see only their own. */
export class Scope {
  readonly #parent: Scope | undefined;
  readonly #values = new Map<string, Bound>();
  readonly #lazy = new Map<string, () => Bound>();
  readonly #absent = new Set<string>();
  readonly #attributes: ReadonlyMap<string, AttributeProto>;
  /** Put in front of the names of values made in this scope, so that they stay unique. */
  readonly prefix: string;
  /** 0 for the main graph. */
  readonly depth: number;
  /** Operator set versions by domain. */
  readonly opsets: ReadonlyMap<string, number>;

  constructor(options: {
    readonly parent?: Scope;
    readonly prefix: string;
    readonly depth: number;
    readonly opsets: ReadonlyMap<string, number>;
    readonly attributes?: ReadonlyMap<string, AttributeProto>;
  }) {
    this.#parent = options.parent;
    this.#attributes = options.attributes ?? new Map<string, AttributeProto>();
    this.prefix = options.prefix;
    this.depth = options.depth;
    this.opsets = options.opsets;
  }

  /** A scope inside this one. */
  inner(prefix: string): Scope {
    return new Scope({ parent: this, prefix, depth: this.depth + 1, opsets: this.opsets });
  }

  bind(name: string, bound: Bound): void {
    this.#values.set(name, bound);
  }

  /** Declares a name without a value: an input that a function call leaves out. */
  bindAbsent(name: string): void {
    this.#absent.add(name);
  }

  /** True for a name that stands for an input that is left out. */
  isAbsent(name: string): boolean {
    return this.#absent.has(name) || (this.#parent?.isAbsent(name) ?? false);
  }

  /** Binds a name to something that is made when it is first looked up. */
  bindLazily(name: string, make: () => Bound): void {
    this.#lazy.set(name, make);
  }

  lookup(name: string): Bound | undefined {
    const bound = this.#values.get(name);
    if (bound) return bound;
    const make = this.#lazy.get(name);
    if (!make) return this.#parent?.lookup(name);
    const made = make();
    this.#values.set(name, made);
    return made;
  }

  /** True when this scope itself has the name. */
  hasOwn(name: string): boolean {
    return this.#values.has(name) || this.#lazy.has(name);
  }

  /** The attribute that the call of the enclosing function gives; undefined when it leaves it out. */
  attribute(name: string): AttributeProto | undefined {
    return this.#attributes.get(name) ?? this.#parent?.attribute(name);
  }

  /** All names in sight, for suggestions. */
  *names(): Iterable<string> {
    yield* this.#values.keys();
    yield* this.#lazy.keys();
    if (this.#parent) yield* this.#parent.names();
  }
}
