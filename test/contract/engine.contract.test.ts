/** @file The engine contract against every engine of the runtime that this machine can run. */
import { describe } from "vitest";
import { createOrtEngine } from "../../runtime/engine/ort/ort-engine.js";
import { engineContract } from "./engine.contract.js";

describe("ONNX Runtime on the CPU", () => {
  engineContract(() => createOrtEngine());
});

describe("ONNX Runtime on the CPU with two threads", () => {
  engineContract(() => createOrtEngine({ threads: 2 }));
});
