/** @file Every op against outputs and gradients made with torch (fixtures/reference/ops/README.md). */
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { createOrtEngine } from "../../../runtime/engine/ort/ort-engine.js";
import { checkOpCase, readOpCases } from "../../support/op-cases.js";

const engine = createOrtEngine();
afterAll(() => engine.close());

const cases = readOpCases(fileURLToPath(new URL("../../../fixtures/reference/ops", import.meta.url)));

test.each(cases.map((opCase) => ({ name: opCase.name, opCase })))("$name", ({ opCase }) => {
  expect(checkOpCase(engine, opCase)).toBeUndefined();
});
