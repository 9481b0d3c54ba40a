/** @file Which loss to train on: its type, and the form in which the command line gives it. */
import { suggestion } from "../closest.js";
import { PipewrightError } from "../errors.js";

/** Losses that compare an output with a target. */
const TARGET_KINDS = ["softmax-cross-entropy", "mse", "bce-with-logits"] as const;
export type TargetKind = (typeof TARGET_KINDS)[number];

/** One term of the loss. The loss is the sum of its terms, each times its weight. */
export type LossSpec = TargetLossSpec | OutputLossSpec;

/** Mean, over all elements or positions, of the difference between an output and a target. */
export interface TargetLossSpec {
  readonly kind: TargetKind;
  /** Left out: the only float output of the model. */
  readonly output?: string;
  /** Name of the graph input that brings the target: a new one, or one that the model has. */
  readonly target: string;
  /** softmax-cross-entropy: the axis of the classes. */
  readonly axis?: number;
  /** softmax-cross-entropy: positions with this target count neither in the sum nor in the mean. */
  readonly ignoreIndex?: number;
  readonly weight: number;
}

/** An output of the model that is itself a scalar loss. */
export interface OutputLossSpec {
  readonly kind: "output";
  readonly output: string;
  readonly weight: number;
}

/** Name of a target that the user does not name. */
export const DEFAULT_TARGET = "target";

const OPTION = /,(axis|ignore-index|weight)=([^,=]*)$/;
const FORMS = `expected KIND[:OUTPUT[=TARGET]][,axis=N][,ignore-index=N][,weight=X] with KIND one of ${TARGET_KINDS.join(", ")}, or output:NAME`;

/**
 * One term of the command line: `KIND:OUTPUT=TARGET`, `KIND:=TARGET`, `KIND:OUTPUT`, `KIND` or `output:NAME`, followed by
 * options such as `,weight=2`. Output and target are split at the last "=".
 * @throws USAGE when the form, the kind or an option is wrong.
 */
export function parseLoss(text: string): LossSpec {
  const { body, options } = splitOptions(text);
  const colon = body.indexOf(":");
  const kind = colon < 0 ? body : body.slice(0, colon);
  const rest = colon < 0 ? "" : body.slice(colon + 1);
  const weight = numberOption(text, options, "weight") ?? 1;
  if (kind === "output") {
    if (rest === "") throw usage(text, `the name of the output is missing; ${FORMS}.`);
    refuseOptions(text, options, "output");
    return { kind, output: rest, weight };
  }
  if (!isTargetKind(kind)) {
    throw usage(text, `unknown kind "${kind}"; ${FORMS}.${suggestion(kind, [...TARGET_KINDS, "output"])}`);
  }
  const equals = rest.lastIndexOf("=");
  const output = equals < 0 ? rest : rest.slice(0, equals);
  const target = equals < 0 ? DEFAULT_TARGET : rest.slice(equals + 1);
  if (target === "") throw usage(text, `the name of the target is missing; ${FORMS}.`);
  if (kind !== "softmax-cross-entropy") refuseOptions(text, options, kind);
  const axis = numberOption(text, options, "axis");
  const ignoreIndex = numberOption(text, options, "ignore-index");
  return {
    kind,
    target,
    weight,
    ...(output !== "" && { output }),
    ...(axis !== undefined && { axis }),
    ...(ignoreIndex !== undefined && { ignoreIndex }),
  };
}

/** The text that `parseLoss` reads as this term. */
export function formatLoss(spec: LossSpec): string {
  const weight = spec.weight === 1 ? "" : `,weight=${spec.weight}`;
  if (spec.kind === "output") return `output:${spec.output}${weight}`;
  const axis = spec.axis === undefined ? "" : `,axis=${spec.axis}`;
  const ignored = spec.ignoreIndex === undefined ? "" : `,ignore-index=${spec.ignoreIndex}`;
  return `${spec.kind}:${spec.output ?? ""}=${spec.target}${axis}${ignored}${weight}`;
}

type Options = ReadonlyMap<string, string>;

function splitOptions(text: string): { readonly body: string; readonly options: Options } {
  const options = new Map<string, string>();
  let body = text;
  for (let match = OPTION.exec(body); match; match = OPTION.exec(body)) {
    const [, key, value] = match as unknown as [string, string, string];
    if (options.has(key)) throw usage(text, `${key} is given twice.`);
    options.set(key, value);
    body = body.slice(0, match.index);
  }
  return { body, options };
}

function numberOption(text: string, options: Options, key: string): number | undefined {
  const value = options.get(key);
  if (value === undefined) return undefined;
  const number = value === "" ? NaN : Number(value);
  const isRight = key === "weight" ? Number.isFinite(number) : Number.isSafeInteger(number);
  if (!isRight) throw usage(text, `${key} is "${value}"; expected ${key === "weight" ? "a number" : "an integer"}.`);
  return number;
}

/** Only softmax-cross-entropy has classes. */
function refuseOptions(text: string, options: Options, kind: string): void {
  const extra = ["axis", "ignore-index"].find((key) => options.has(key));
  if (extra) throw usage(text, `${kind} takes no ${extra}.`);
}

function isTargetKind(kind: string): kind is TargetKind {
  return (TARGET_KINDS as readonly string[]).includes(kind);
}

function usage(text: string, what: string): PipewrightError {
  return new PipewrightError("USAGE", `--loss ${text}: ${what}`, { loss: text });
}
