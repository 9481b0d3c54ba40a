/** @file Groups of parameters: which one counts, and what is refused. */
import { expect, it } from "vitest";
import { groupsOf } from "../../../compiler/optimizer/groups.js";
import type { ParameterGroup } from "../../../compiler/plan/plan.js";
import { compileTiny, SGD, TINY_MLP } from "../../support/tiny-models.js";

const { params } = TINY_MLP.built.graph;
const found = (...groups: readonly (readonly string[])[]): object =>
  Object.fromEntries(groupsOf({ ...SGD, groups: groups.map((parameters) => ({ parameters })) }, params));

it("the first group that has a parameter counts; the others have none", () => {
  expect(found()).toEqual({});
  expect(found(["head.*", "!*.bias"], ["*.bias"])).toEqual({
    "head.weight": 0,
    "head.bias": 1,
    "layer.0.bias": 1,
    "layer.1.bias": 1,
    "layer.2.bias": 1,
  });
  expect(found(["@vectors"], ["head.*"])).toMatchObject({ "head.bias": 0, "head.weight": 1, "layer.0.bias": 0 });
});

it("refuses patterns that match nothing", () => {
  expect(() => found(["haed.*"])).toThrow("--param-group haed.*: matches no parameter; the model has layer.0.weight,");
});

it("are written into the plan, by parameter", async () => {
  const groups: readonly ParameterGroup[] = [{ parameters: ["*.bias"], weightDecay: 0 }];
  const { plan } = await compileTiny(TINY_MLP, { optimizer: { ...SGD, groups } });
  expect(plan.optimizer.groups).toEqual(groups);
  expect(plan.parameters.map(({ name, group }) => [name, group])).toEqual(
    params.map(({ name }) => [name, name.endsWith(".bias") ? 0 : undefined]),
  );
});
