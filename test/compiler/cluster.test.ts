/** @file What the devices of a cluster have in common. */
import { expect, it } from "vitest";
import { threadsOf } from "../../compiler/cluster.js";

it("counts the threads of CPUs alone", () => {
  expect(threadsOf([])).toBe(0);
  expect(threadsOf([{ kind: "cpu" }, { kind: "cpu", threads: 3 }, { kind: "webgpu" }])).toBe(4);
});
