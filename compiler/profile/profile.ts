/** @file What a model costs: time per forward node and phase, on one kind of device, for one microbatch. Types only. */

/** Kinds of devices that engines can drive. */
export type DeviceKind = "cpu" | "cuda" | "webgpu";

/** One device of the cluster. `memoryBytes` undefined: no limit. */
export interface DeviceSpec {
  readonly name: string;
  readonly kind: DeviceKind;
  /** Sustained arithmetic of dense float32 work. */
  readonly flopsPerMs: number;
  /** Sustained memory traffic. */
  readonly memoryBytesPerMs: number;
  readonly memoryBytes?: number;
  /** Processor cores that one operator may use; 1 if left out. More than 1 only pays without a pipeline. */
  readonly threads?: number;
}

/** A connection between two devices: time of n bytes = latencyMs + n / bytesPerMs. */
export interface LinkSpec {
  readonly bytesPerMs: number;
  readonly latencyMs: number;
}

/** The connection from one device to another, by their places in the cluster. The way back may differ. */
export interface DirectedLink extends LinkSpec {
  readonly from: number;
  readonly to: number;
}

/** Time of a forward node and of the backward nodes it owns. */
export interface NodeCost {
  readonly forwardMs: number;
  readonly inputGradMs: number;
  readonly weightGradMs: number;
}

/** What running a plan takes besides the nodes. Measured; a profile without them takes none. */
export interface Overheads {
  /** To start a program, however small: once per action. */
  readonly actionMs: number;
  /** From the end of an action to the begin of the one on another device that waited for it. */
  readonly messageMs: number;
  /** Of the optimizer, per trained element. */
  readonly updateMsPerElement: number;
}

/**
 * Costs by the name of the forward node. `source` says where they are from: "analytic" is a roofline estimate and
 * reproducible; "measured" was timed on an engine.
 */
export interface Profile {
  readonly version: 1;
  readonly source: "analytic" | "measured";
  readonly deviceKind: DeviceKind;
  /**
   * Of a measured profile: how many devices computed while it was measured, as they do in a run. Files from before this
   * was written down lack it; they were measured one at a time.
   */
  readonly concurrency?: number;
  /** Digest of the graph that was profiled. */
  readonly graphDigest: string;
  readonly nodes: ReadonlyMap<string, NodeCost>;
  readonly overheads?: Overheads;
}
