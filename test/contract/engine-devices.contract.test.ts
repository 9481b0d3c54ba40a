/** @file The engine contract on devices other than the CPU, where this machine has one. */
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createOrtEngine } from "../../runtime/engine/ort/ort-engine.js";
import { engineContract } from "./engine.contract.js";

/** SwiftShader of Debian's chromium: a Vulkan device in software. */
const SWIFTSHADER = "/usr/lib/chromium/vk_swiftshader_icd.json";
if (!process.env["VK_ICD_FILENAMES"] && existsSync(SWIFTSHADER)) process.env["VK_ICD_FILENAMES"] = SWIFTSHADER;

for (const kind of ["webgpu", "cuda"] as const) {
  const missing = reasonAgainst(kind);
  describe.skipIf(missing !== undefined)(`ONNX Runtime on ${kind}`, () => {
    engineContract(() => createOrtEngine({ kind }));
  });

  it.runIf(missing !== undefined)(`says how to get ${kind}`, () => {
    process.stderr.write(`skipped: the engine contract on ${kind}, which this machine does not have\n`);
    expect(missing).toMatch(
      new RegExp(
        `^device kind ${kind}: ONNX Runtime cannot use it on this machine; .* (Install|Run) .* use devices of kind cpu\\.$`,
      ),
    );
  });
}

function reasonAgainst(kind: "webgpu" | "cuda"): string | undefined {
  try {
    createOrtEngine({ kind }).close();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
