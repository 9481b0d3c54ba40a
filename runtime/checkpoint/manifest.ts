/** @file The manifest of a checkpoint: what it belongs to and the digest of every file. Its last line is its own digest. */
import * as z from "zod";
import { PipewrightError } from "../../compiler/errors.js";
import type { Plan } from "../../compiler/plan/plan.js";
import { parseArtefact } from "../artefact.js";
import { digestOf } from "../digest.js";
import { optimizer as optimizerSchema, training as trainingSchema } from "../plan/schema.js";
import type { Fingerprint } from "./fingerprint.js";
import type { StateFile } from "./state.js";
import { STATE_FILE } from "./state.js";

export const MANIFEST = "MANIFEST";
/** Manifests are a few kilobytes; whatever is larger is none. */
export const MANIFEST_LIMIT_BYTES = 2 ** 24;

/** Where samples come from, as far as it decides what a step trains on. */
export interface DataIdentity {
  readonly source: string;
  readonly seed: number;
  readonly shuffle: boolean;
  /** Per epoch; null: endless. */
  readonly samples: number | null;
}

/** What a checkpoint belongs to. */
export interface Belonging {
  readonly model: { readonly name: string; readonly digest: string };
  /** Digest of the plan that made it. */
  readonly plan: string;
  readonly training: Plan["training"];
  readonly optimizer: Plan["optimizer"];
  /** Data position after `step` steps is `step` times this many microbatches. */
  readonly microbatches: number;
  readonly inputs: readonly { readonly name: string; readonly dtype: string; readonly shape: readonly number[] }[];
  /** null: the caller did not say. */
  readonly data: DataIdentity | null;
  readonly fingerprint: Fingerprint;
}

export interface Manifest extends Belonging {
  readonly format: "pipewright checkpoint";
  readonly version: 1;
  readonly step: number;
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
}

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);
const schema = z.strictObject({
  format: z.literal("pipewright checkpoint"),
  version: z.literal(1),
  step: count,
  model: z.strictObject({ name: z.string(), digest: z.string() }),
  plan: sha256,
  training: trainingSchema,
  optimizer: optimizerSchema,
  microbatches: count,
  inputs: z.array(z.strictObject({ name: z.string(), dtype: z.string(), shape: z.array(count) })),
  data: z
    .strictObject({ source: z.string(), seed: z.number(), shuffle: z.boolean(), samples: count.nullable() })
    .nullable(),
  fingerprint: z.strictObject({
    cpu: z.string(),
    features: z.string(),
    libraries: z.string(),
    engines: z.string(),
    devices: z.string(),
    optimisation: z.string(),
  }),
  files: z.array(z.strictObject({ name: z.string().regex(STATE_FILE), bytes: count, sha256 })),
});

/** What a checkpoint of this run belongs to. */
export function belongingOf(plan: Plan, data: DataIdentity | null, fingerprint: Fingerprint): Belonging {
  return {
    model: { name: plan.model.name, digest: plan.model.digest },
    plan: digestOf(JSON.stringify(plan.files)),
    training: plan.training,
    optimizer: plan.optimizer,
    microbatches: plan.microbatches,
    inputs: plan.inputs.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    data,
    fingerprint,
  };
}

/** The manifest's bytes. Hashes all files. */
export function encodeManifest(belonging: Belonging, step: number, files: readonly StateFile[]): Uint8Array {
  const manifest: Manifest = {
    format: "pipewright checkpoint",
    version: 1,
    step,
    ...belonging,
    files: files.map(({ name, bytes }) => ({ name, bytes: bytes.length, sha256: digestOf(bytes) })),
  };
  const body = JSON.stringify(manifest);
  return new TextEncoder().encode(`${body}\n${digestOf(body)}\n`);
}

/** @throws ARTEFACT_MISMATCH when a bit of it differs from what was written, or another version wrote it. */
export function decodeManifest(bytes: Uint8Array, subject: string): Manifest {
  const [body = "", digest, ...rest] = new TextDecoder().decode(bytes).split("\n");
  if (rest.length !== 1 || rest[0] !== "" || digestOf(body) !== digest)
    throw damaged(subject, `${MANIFEST} does not have the digest in its last line`);
  const fault = (what: string): PipewrightError => damaged(subject, `${MANIFEST}: ${what}`);
  const content = new TextEncoder().encode(body);
  const { version } = parseArtefact(content, z.looseObject({ version: z.unknown() }), fault);
  if (version !== 1) {
    throw new PipewrightError(
      "ARTEFACT_MISMATCH",
      `${subject}: it has another format; got version ${shownVersion(version)}, expected 1. Resume it with the release that wrote it.`,
    );
  }
  return parseArtefact(content, schema, fault) as Manifest;
}

function shownVersion(version: unknown): string {
  return typeof version === "number" ? String(version) : "none";
}

/** ARTEFACT_MISMATCH for a checkpoint that is not as it was written. */
export function damaged(subject: string, what: string): PipewrightError {
  return new PipewrightError("ARTEFACT_MISMATCH", `${subject}: ${what}. Resume from an older checkpoint.`, { subject });
}
