/**
 * @file The Plan: all that the runtime needs, as data on disk (plan.json and the files it names). Types only.
 * It holds no absolute path, no time of day and nothing that depends on the machine that made it.
 */
import type { DType, Shape } from "../ir/graph.js";
import type { Conversion } from "../ir/half.js";
import type { DeviceSpec, DirectedLink, LinkSpec, Overheads } from "../profile/profile.js";
import type { Certificate, CommunicationModel } from "../partition/problem.js";
import type { Phase } from "../schedule/action.js";

/**
 * What a stage can run. backward = input-grad then weight-grad, in one graph. add: adds the gradients that another copy
 * of the model made for a microbatch to the sums of this stage.
 */
export type ProgramKind = "forward" | "backward" | "input-grad" | "weight-grad" | "add";

/** Where a tensor of a program lives while it runs. */
export type Port =
  /** A parameter; as an output, the new value of a state such as a running mean. */
  | { readonly tensor: string; readonly at: "param"; readonly param: string }
  /** The gradient sum of a parameter over the microbatches done so far; as an output, the sum with this one added. */
  | { readonly tensor: string; readonly at: "accumulator"; readonly param: string }
  /** An input of the model or a target, of this microbatch. */
  | { readonly tensor: string; readonly at: "input" }
  /** A value that another action of the same microbatch made or will read: a stash or a cut tensor. */
  | { readonly tensor: string; readonly at: "slot" }
  /** A result that the caller asked for: the loss, an output of the model, an input gradient. `result` names it, if it
   *  is not the tensor's name without "/result". */
  | { readonly tensor: string; readonly at: "result"; readonly result?: string };

/** One ONNX graph of a stage. Ports are in the order of the graph's inputs and outputs, whose names are `tensor`. */
export interface StageProgram {
  readonly kind: ProgramKind;
  /** Relative to the plan directory, "stages/0.forward.onnx". */
  readonly file: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

export interface TensorSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A parameter and the stage that owns it. `readers`: further stages that read it (tied weights). */
export interface PlanParameter extends TensorSpec {
  readonly stage: number;
  readonly readers: readonly number[];
  readonly trainable: boolean;
  /** The start value of every element, where they are all the same number; the weights file lacks the parameter then. */
  readonly fill?: number;
  /** Index among the groups of the optimizer. Left out: it trains with the optimizer's own settings, or not at all. */
  readonly group?: number;
}

/**
 * Values that one program makes for each microbatch and the same other programs read: they share a ring of slots.
 * Microbatch m lives in slot `slotOf[m]`. `shared`: a program on another device reads the value.
 */
export interface SlotGroup {
  readonly stage: number;
  readonly program: ProgramKind;
  readonly slots: number;
  readonly slotOf: readonly number[];
  readonly values: readonly (TensorSpec & { readonly shared: boolean })[];
}

/** Wait until device `device` has finished `count` actions of its row in this step. */
export interface Wait {
  readonly device: number;
  readonly count: number;
}

/** One action of a device's row, with what it must wait for: data from other devices, and slots they still read. */
export interface PlanAction {
  readonly stage: number;
  readonly phase: Phase;
  readonly microbatch: number;
  readonly waits: readonly Wait[];
  /** Microbatches of other copies of the model whose gradients the stage adds to its sums before the action. */
  readonly adds?: readonly number[];
}

/** An input of the model or a target. */
export interface PlanInput extends TensorSpec {
  /** Axis along which a batch is cut into microbatches. Left out: all microbatches share the tensor. */
  readonly batchAxis?: number;
  /** Stages that read it. */
  readonly stages: readonly number[];
  /** Integers of the tensor lie below this, where the model says so: indices of a table, classes of a loss. */
  readonly below?: number;
}

export interface PlanStage {
  readonly index: number;
  readonly device: number;
  /** Forward nodes, those of the loss included. */
  readonly nodes: number;
  readonly programs: readonly StageProgram[];
  /** Graph that updates one slab of the stage's trained parameters; left out when it has none. */
  readonly update?: { readonly file: string };
  /** Predicted, per microbatch. */
  readonly forwardMs: number;
  readonly inputGradMs: number;
  readonly weightGradMs: number;
  readonly parameterBytes: number;
  /** Bytes per microbatch that leave for other stages, forward and backward. */
  readonly sendBytes: number;
  /** Parameters and what belongs to them, slots, and the workspace of the stage's programs. */
  readonly peakBytes: number;
  /** The last of these alone; the stages of a device share it. */
  readonly workspaceBytes: number;
  /** Forward nodes that the backward pass runs again. */
  readonly recomputed: number;
  /** Other devices that may run its weight gradients while they would wait. Left out: none. */
  readonly standIns?: readonly number[];
}

/** Parameters that train with settings of their own. */
export interface ParameterGroup {
  /** Which, in the form of `--trainable`. The first group that has a parameter counts. */
  readonly parameters: readonly string[];
  /** Takes the place of the optimizer's. */
  readonly weightDecay?: number;
  /** Factor on the learning rate; 1 when left out. */
  readonly learningRateScale?: number;
}

/**
 * How the learning rate goes from step to step, as a factor. It rises in a line over `warmupSteps` from `warmupStart` to
 * 1; then it stays there, or falls to `floor` at `totalSteps`, in a line or as half a cosine, and stays there.
 */
export interface LearningRateSchedule {
  readonly kind: "constant" | "linear" | "cosine";
  readonly warmupSteps: number;
  readonly warmupStart: number;
  /** Warm-up included. Left out for "constant". */
  readonly totalSteps?: number;
  readonly floor: number;
}

/** What every optimizer may have besides its rule. */
interface UpdateSettings {
  /** Left out: constant. */
  readonly schedule?: LearningRateSchedule;
  /** Left out: all parameters train alike. */
  readonly groups?: readonly ParameterGroup[];
  /** Gradients whose norm, over all parameters, is larger are scaled down to it. Left out: they are not looked at. */
  readonly clipNorm?: number;
}

/** Stochastic gradient descent: v = momentum·v + g (v starts as the first g); p −= lr·v. Weight decay is added to g. */
export interface SgdSpec extends UpdateSettings {
  readonly kind: "sgd";
  readonly learningRate: number;
  readonly momentum: number;
  readonly weightDecay: number;
}

/** AdamW (Loshchilov & Hutter 2019): p *= 1 − lr·weightDecay, then Adam with bias correction. */
export interface AdamWSpec extends UpdateSettings {
  readonly kind: "adamw";
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

export type OptimizerSpec = SgdSpec | AdamWSpec;

/**
 * What BatchNormalization does while training. "train": statistics of the microbatch, and running statistics follow
 * them. "frozen": running statistics, which stay.
 */
export type BatchNormMode = "train" | "frozen";

/** The user's choices that decide which graph is trained. */
export interface TrainingSpec {
  /** Terms of the loss in the form of `--loss`. */
  readonly loss: readonly string[];
  /** Values of symbolic dimensions. */
  readonly bind: Readonly<Record<string, number>>;
  /** Patterns of `--trainable`; left out: all. */
  readonly trainable?: readonly string[];
  /** Mode of all BatchNormalization; left out: as the model says. */
  readonly batchNorm?: BatchNormMode;
}

/** What the simulator says of one step; training compares it with what it measures. */
export interface Forecast {
  readonly makespanMs: number;
  /** What the optimizer takes after that, on the slowest device; the step ends with it. */
  readonly updateMs: number;
  /** Lower bound of the makespan of all orders of the same actions. */
  readonly boundMs: number;
  /** (makespan − bound) / makespan. */
  readonly gap: number;
  /** Idle share of the makespan. */
  readonly bubble: number;
  /** Microbatches in flight, per stage. */
  readonly peakActivations: readonly number[];
  /** Most bytes that each device holds: parameters and what belongs to them, slots, workspace of programs. */
  readonly peakBytes: readonly number[];
}

export interface Plan {
  readonly version: 1;
  readonly model: {
    readonly name: string;
    /** sha256 of the ONNX file. */
    readonly digest: string;
    /** Nodes of the imported model, without the loss. */
    readonly nodes: number;
    /** What stages are made of, those of the loss included. */
    readonly blocks: number;
    /** Parameter elements. */
    readonly parameters: number;
    /** What of the file is half precision and trains in float32; left out when nothing is. */
    readonly conversions?: readonly Conversion[];
  };
  readonly profile: {
    readonly source: "analytic" | "measured";
    /** Devices that computed at the same time when it was measured. */
    readonly concurrency?: number;
    /** Of each device; left out where none were measured. */
    readonly overheads?: readonly Overheads[];
  };
  readonly devices: readonly DeviceSpec[];
  readonly link: LinkSpec;
  /** Links that differ from `link`, each one way; devices by their place in `devices`. */
  readonly links?: readonly DirectedLink[];
  readonly microbatches: number;
  /** `copies` of the model, if there are several: stage s and stage s + stages / copies are the same part of it. */
  readonly schedule: { readonly name: string; readonly copies?: number; readonly forecast: Forecast };
  readonly partition: {
    readonly model: CommunicationModel;
    readonly solver: string;
    readonly certificate: Certificate;
  };
  readonly optimizer: OptimizerSpec;
  /** What the plan was made from besides the model file, so that it can be made again on one device. */
  readonly training: TrainingSpec;
  /** Of one microbatch; `batchAxis` undefined: all microbatches share the tensor. */
  readonly inputs: readonly PlanInput[];
  /** Of one microbatch; the loss comes first. */
  readonly results: readonly (TensorSpec & { readonly stage: number })[];
  readonly parameters: readonly PlanParameter[];
  readonly stages: readonly PlanStage[];
  readonly slotGroups: readonly SlotGroup[];
  /** One row per device. */
  readonly rows: readonly (readonly PlanAction[])[];
  /** sha256 of every other file of the plan directory, by relative path. */
  readonly files: Readonly<Record<string, string>>;
}
