/** @file profile.json: measured or estimated costs that later commands read instead of measuring again. */
import * as z from "zod";
import { PipewrightError } from "../compiler/errors.js";
import type { Graph } from "../compiler/ir/graph.js";
import { graphDigest } from "../compiler/profile/digest.js";
import type { Profile } from "../compiler/profile/profile.js";
import type { Env } from "./env/env.js";
import { overheads } from "./plan/schema.js";

const ms = z.number().min(0);
const schema = z.strictObject({
  version: z.literal(1),
  source: z.enum(["analytic", "measured"]),
  deviceKind: z.enum(["cpu", "cuda", "webgpu"]),
  graphDigest: z.string().regex(/^[0-9a-f]{16}$/),
  overheads: overheads.optional(),
  nodes: z.record(z.string(), z.strictObject({ forwardMs: ms, inputGradMs: ms, weightGradMs: ms })),
});

/** Writes a profile, nodes in the order of the graph. @throws FILE. */
export async function writeProfile(env: Env, path: string, profile: Profile): Promise<void> {
  const document = { ...profile, nodes: Object.fromEntries(profile.nodes) };
  await env.files.writeAtomic(path, `${JSON.stringify(document, undefined, 1)}\n`);
}

/**
 * Reads a profile of `graph`.
 * @throws FILE; ARTEFACT_MISMATCH when the file is no profile or belongs to another model, loss or shape.
 */
export async function readProfile(env: Env, path: string, graph: Graph): Promise<Profile> {
  const text = new TextDecoder().decode(await env.files.read(path));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw mismatch(path, "it is not JSON");
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw mismatch(
      path,
      `it is no profile of version 1: ${issue!.path.join(".") || "the document"}: ${issue!.message}`,
    );
  }
  const digest = graphDigest(graph);
  if (parsed.data.graphDigest !== digest) {
    throw mismatch(
      path,
      `it belongs to another model, loss or shape; got digest ${parsed.data.graphDigest}, expected ${digest}`,
    );
  }
  const { overheads, nodes, ...rest } = parsed.data;
  return { ...rest, nodes: new Map(Object.entries(nodes)), ...(overheads && { overheads }) };
}

function mismatch(path: string, what: string): PipewrightError {
  return new PipewrightError(
    "ARTEFACT_MISMATCH",
    `profile ${path}: ${what}. Make it again with \`pipewright profile\`.`,
  );
}
