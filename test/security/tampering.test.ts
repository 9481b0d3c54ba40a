/**
 * @file Files that were changed after they were written. What reads them gives one error that names the file, or what
 * it gave before; forged ones, whose digests were made again, may give something else, but never a crash, and nothing is
 * opened outside their directory.
 */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { PipewrightError } from "../../compiler/errors.js";
import { sealedJson } from "../../runtime/artefact.js";
import { digestOf } from "../../runtime/digest.js";
import type { Artefact } from "../support/artefacts.js";
import { ARTEFACTS, artefacts } from "../support/artefacts.js";
import type { SimulatedEnv } from "../support/simulated-env.js";
import type { Tampered } from "../support/tampering.js";
import { tampered } from "../support/tampering.js";

let env: SimulatedEnv;
beforeAll(async () => {
  env = await artefacts();
});

const named = (name: string): readonly Artefact[] => ARTEFACTS.filter(({ path }) => path.endsWith(name));
const JSONS = ARTEFACTS.filter(({ path }) => path.endsWith(".json") || path.endsWith("MANIFEST"));
/** Those that have a digest, of their own or in plan.json. */
const DIGESTED = ARTEFACTS.filter(({ path }) => !/times\.json|\/plans\/schedule\.csv|job\.yaml/.test(path));

async function withContent<T>(path: string, content: Uint8Array | string, use: () => Promise<T>): Promise<T> {
  const before = await env.files.read(path);
  await env.files.writeAtomic(path, content);
  try {
    return await use();
  } finally {
    await env.files.writeAtomic(path, before);
  }
}

/** What reading gives, or "error: …" for an error of the user; anything else that is thrown is a failure. */
async function reading(
  artefact: Artefact,
  content: Uint8Array | string,
  what: string,
  isForged = false,
): Promise<string> {
  const { path, folder } = artefact;
  return withContent(path, content, async () => {
    env.disk.setFault();
    try {
      return await ((isForged && artefact.readForged) || artefact.read)(env);
    } catch (error) {
      if (!(error instanceof PipewrightError)) throw new Error(`${path}, ${what}`, { cause: error });
      const name = path.slice(path.lastIndexOf("/") + 1);
      expect(error.message, what).toContain(isForged || name === "MANIFEST" ? folder : name);
      expect(error.message.length, what).toBeLessThan(20_000);
      return `error: ${error.message}`;
    } finally {
      const outside = env.disk.operations.filter(
        (operation) => !operation.slice(operation.indexOf("/")).startsWith(folder),
      );
      expect(outside, what).toEqual([]);
      expect(({} as { readonly polluted?: unknown }).polluted, what).toBeUndefined();
    }
  });
}

/** The document as its file would be if somebody made the digest again. */
function forged(path: string, text: string): string {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return text;
  }
  if (path.endsWith("MANIFEST")) return `${text}\n${digestOf(text)}\n`;
  if (!/(plan|run|search|profile)\.json$/.test(path) || typeof document !== "object" || document === null) return text;
  delete (document as { digest?: unknown }).digest;
  return sealedJson(document);
}

/** Most changes of one file that are tried; of more, a part spread over all fields. */
const MOST_CHANGES = 1_200;

async function changesOf(path: string): Promise<readonly Tampered[]> {
  const text = new TextDecoder().decode(await env.files.read(path));
  const all = [...tampered(JSON.parse(text.split(/\n[0-9a-f]{64}\n/)[0]!))];
  const stride = Math.ceil(all.length / MOST_CHANGES);
  return all.filter((_, at) => (Math.imul(at, 0x9e3779b1) >>> 8) % stride === 0);
}

describe("a file that is as it was written", () => {
  it.each(ARTEFACTS)("is read: $path", async (artefact) => {
    const content = await env.files.read(artefact.path);
    expect(await reading(artefact, content, "nothing")).toBe(await artefact.read(env));
    expect(await artefact.read(env)).not.toMatch(/^error/);
  });
});

describe.each(JSONS)("$path with a field changed", (artefact) => {
  it("gives an error that names it, or the same reading", async () => {
    const before = await artefact.read(env);
    const isDigested = DIGESTED.includes(artefact);
    let refused = 0;
    for (const { what, text } of await changesOf(artefact.path)) {
      const found = await reading(artefact, text, what);
      if (found.startsWith("error: ")) refused++;
      else if (isDigested) expect(found, what).toBe(before);
    }
    expect(refused).toBeGreaterThan(50);
  });

  it("gives no crash when its digest is made again", async () => {
    const run = `${artefact.folder}/run.json`;
    const record = artefact.path.endsWith("/plan.json") ? await env.files.read(run) : undefined;
    if (record) await env.files.remove(run);
    for (const { what, text } of await changesOf(artefact.path))
      await reading(artefact, forged(artefact.path, text), what, true);
    if (record) await env.files.writeAtomic(run, record);
  });
});

describe.each(ARTEFACTS)("$path with bytes changed", (artefact) => {
  it("gives an error that names it, or the same reading", async () => {
    const bytes = await env.files.read(artefact.path);
    const before = await artefact.read(env);
    const isDigested = DIGESTED.includes(artefact);
    const damage = fc.oneof(
      fc.record({ at: fc.nat(bytes.length - 1), bit: fc.nat(7) }),
      fc.record({ cut: fc.nat(bytes.length - 1) }),
      fc.record({ more: fc.uint8Array({ minLength: 1, maxLength: 9 }) }),
      fc.record({ bytes: fc.uint8Array({ maxLength: 40 }) }),
    );
    await fc.assert(
      fc.asyncProperty(damage, async (one) => {
        const changed = "bytes" in one ? one.bytes : "cut" in one ? bytes.slice(0, one.cut) : Uint8Array.from(bytes);
        if ("at" in one) changed[one.at]! ^= 1 << one.bit;
        const found = await reading(
          artefact,
          "more" in one ? Uint8Array.from([...bytes, ...one.more]) : changed,
          JSON.stringify(one),
        );
        if (isDigested && !found.startsWith("error: ")) expect(found).toBe(before);
      }),
      { numRuns: 60 },
    );
  });
});

describe("a forged plan", () => {
  it("names no file of another directory", async () => {
    const [plan] = named("/plan.json");
    const text = new TextDecoder().decode(await env.files.read(plan!.path));
    for (const name of [
      "../secret",
      "/etc/passwd",
      "stages/../../secret.onnx",
      "stages\\0.forward.onnx",
      "stages/0.forward.onnx\u0000",
    ]) {
      const found = await reading(
        plan!,
        forged(plan!.path, text.replaceAll('"stages/0.forward.onnx"', JSON.stringify(name))),
        name,
      );
      expect(found).toMatch(/^error: /);
    }
  });
});
