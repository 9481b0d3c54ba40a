/** @file Stage graphs of a plan directory, read within the limits that hold for every model. */
import { PipewrightError } from "../../compiler/errors.js";
import { decodeModel } from "../../compiler/onnx/codec.js";
import { withOwnNames } from "../../compiler/onnx/own-names.js";
import type { ModelLimits } from "../../compiler/onnx/limits.js";
import { stageLimits } from "../../compiler/onnx/limits.js";
import { formatName, ownName } from "../../compiler/names.js";
import type { ModelProto, ValueInfoProto } from "../../compiler/onnx/proto.js";
import { scanModel } from "../../compiler/onnx/scan.js";
import type { Port } from "../../compiler/plan/plan.js";
import type { Files } from "../env/env.js";
import { readPlainFile } from "../plain-file.js";

/** The graph of a file, with the names that the plan has. @throws FILE; ARTEFACT_MISMATCH, LIMIT_EXCEEDED naming the file. */
export async function readStageGraph(
  files: Files,
  directory: string,
  file: string,
  limits: ModelLimits,
): Promise<ModelProto> {
  const bytes = await readPlainFile(files, directory, file, limits.fileBytes);
  return withOwnNames(within(directory, file, () => decodeModel(bytes, stageLimits(limits))));
}

/** A stage graph as a plan has it; the update of a stage has no ports. */
interface PlannedGraph {
  readonly file: string;
  readonly inputs?: readonly Port[];
  readonly outputs?: readonly Port[];
}

/**
 * Refuses a file that is no stage graph, that names other files, which the engine would open, or that reads or makes
 * other tensors than the plan says.
 * @throws as `readStageGraph`.
 */
export async function checkStageGraph(
  files: Files,
  directory: string,
  { file, inputs, outputs }: PlannedGraph,
  limits: ModelLimits,
): Promise<void> {
  const bytes = await readPlainFile(files, directory, file, limits.fileBytes);
  const { externalTensors } = within(directory, file, () => scanModel(bytes, stageLimits(limits)));
  if (externalTensors > 0) throw broken(directory, `${file} names other files; a stage graph holds all its data`);
  if (!inputs || !outputs) return;
  const { graph } = within(directory, file, () => decodeModel(bytes, stageLimits(limits)));
  checkPorts(directory, `inputs of ${file}`, graph?.input, inputs);
  checkPorts(directory, `outputs of ${file}`, graph?.output, outputs);
}

function checkPorts(
  directory: string,
  what: string,
  infos: readonly ValueInfoProto[] | undefined,
  ports: readonly Port[],
): void {
  const got = (infos ?? []).map(({ name = "" }) => ownName(name)).sort();
  const expected = [...new Set(ports.map(({ tensor }) => tensor))].sort();
  if (JSON.stringify(got) === JSON.stringify(expected)) return;
  const listed = (names: readonly string[]): string => names.map(formatName).join(", ") || "none";
  throw broken(directory, `the ${what} are not those of the plan; got ${listed(got)}, expected ${listed(expected)}`);
}

function within<T>(directory: string, file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof PipewrightError)) throw error;
    if (error.code !== "LIMIT_EXCEEDED") throw broken(directory, `${file} is no stage graph: ${error.message}`);
    throw new PipewrightError(error.code, `${directory}/${file}: ${error.message}`, error.details);
  }
}

function broken(directory: string, what: string): PipewrightError {
  return new PipewrightError(
    "ARTEFACT_MISMATCH",
    `${directory}: ${what}. Make the plan again with \`pipewright partition\`.`,
  );
}
