/** @file Normalisations whose modes and parameters changed their form. */
import { REFUSED_FORMS, refusedForm } from "../refused-forms.js";
import type { UpgradeRule } from "../source.js";
import { inputAt, malformedNode, numberAttr, withAttrs, withInput, withoutAttrs } from "../source.js";
import type { Upgrades } from "./rule.js";
import { drop } from "./rule.js";

/** Before opset 14 the outputs told the mode: more than one means training. The saved statistics have no successor. */
const batchMode: UpgradeRule = (_b, node) => {
  const training = node.outputs.slice(1).includes(true) && !numberAttr(node, "is_test", 0);
  const perChannel = numberAttr(node, "spatial", 1) !== 0;
  if (training && !perChannel) throw refusedForm(REFUSED_FORMS.BatchNormalization.perActivation);
  const rest = withoutAttrs(node, "is_test", "consumed_inputs", ...(perChannel ? ["spatial"] : []));
  if (!training) return { ...rest, outputs: node.outputs.slice(0, 1) };
  return { ...withAttrs(rest, { training_mode: 1 }), outputs: node.outputs.slice(0, 3) };
};

/** Before opset 21 there was one scale and one bias per group; now there is one per channel. */
const groupParameters: UpgradeRule = (b, node) => {
  const channels = inputAt(node, 0).type.shape[1] ?? 0;
  const groups = numberAttr(node, "num_groups");
  if (groups < 1 || channels % groups !== 0)
    throw malformedNode(node, `${channels} channels do not form ${groups} groups`);
  return [1, 2].reduce((rewritten, position) => {
    const column = b.emit("Reshape", [inputAt(node, position), b.int64s([groups, 1])]);
    const table = b.emit("Expand", [column, b.int64s([groups, channels / groups])]);
    return withInput(rewritten, position, b.emit("Reshape", [table, b.int64s([channels])]));
  }, node);
};

export const normalization: Upgrades = {
  BatchNormalization: [{ until: 14, apply: batchMode }],
  InstanceNormalization: [{ until: 6, apply: drop("consumed_inputs") }],
  GroupNormalization: [{ until: 21, apply: groupParameters }],
};
