/** @file profile.json: measured or estimated costs that later commands read instead of measuring again. */
import * as z from "zod";
import { PipewrightError } from "../compiler/errors.js";
import type { Differentiated } from "../compiler/autodiff/differentiated.js";
import { formatName } from "../compiler/names.js";
import { graphDigest } from "../compiler/profile/digest.js";
import type { Profile } from "../compiler/profile/profile.js";
import { ARTEFACT_LIMIT_BYTES, parseSealed, sealedJson } from "./artefact.js";
import type { Env } from "./env/env.js";
import { readAtMost } from "./plain-file.js";
import { overheads } from "./plan/schema.js";

const ms = z.number().min(0);
const schema = z.strictObject({
  version: z.literal(1),
  source: z.enum(["analytic", "measured"]),
  deviceKind: z.enum(["cpu", "cuda", "webgpu"]),
  concurrency: z.int().min(1).optional(),
  graphDigest: z.string().regex(/^[0-9a-f]{16}$/),
  overheads: overheads.optional(),
  nodes: z.array(z.strictObject({ name: z.string(), forwardMs: ms, inputGradMs: ms, weightGradMs: ms })),
});

/** Writes a profile, nodes in the order of the graph. @throws FILE. */
export async function writeProfile(env: Env, path: string, profile: Profile): Promise<void> {
  const nodes = [...profile.nodes].map(([name, cost]) => ({ name, ...cost }));
  await env.files.writeAtomic(path, sealedJson({ ...profile, nodes }, 1));
}

/**
 * Reads a profile of a differentiated graph.
 * Ensures: a cost for every forward node, and for nothing else.
 * @throws FILE; LIMIT_EXCEEDED; ARTEFACT_MISMATCH when the file is no profile or belongs to another model, loss or shape.
 */
export async function readProfile({ files }: Env, path: string, { graph, phase }: Differentiated): Promise<Profile> {
  const fault = (what: string): PipewrightError => mismatch(path, what);
  const profile = parseSealed(await readAtMost(files, path, ARTEFACT_LIMIT_BYTES), schema, fault);
  const digest = graphDigest(graph);
  if (profile.graphDigest !== digest)
    throw fault(`it belongs to another model, loss or shape; got digest ${profile.graphDigest}, expected ${digest}`);
  const { overheads, concurrency, nodes, ...rest } = profile;
  const costs = new Map(nodes.map(({ name, ...cost }) => [name, cost]));
  const forward = graph.nodes.filter(({ id }) => phase.get(id) === "F");
  const missing = forward.find(({ name }) => !costs.has(name));
  if (missing) throw fault(`node ${formatName(missing.name)} has no cost`);
  if (costs.size !== forward.length || nodes.length !== forward.length)
    throw fault(`it has costs for ${nodes.length} nodes, and the model has ${forward.length}`);
  return {
    ...rest,
    nodes: costs,
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(overheads && { overheads }),
  };
}

function mismatch(path: string, what: string): PipewrightError {
  return new PipewrightError(
    "ARTEFACT_MISMATCH",
    `profile ${path}: ${what}. Make it again with \`pipewright profile\`.`,
  );
}
