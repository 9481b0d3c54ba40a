/** @file Operators whose axes were an attribute: at opset 13 for Squeeze, Unsqueeze and ReduceSum, at 18 for the other reductions. */
import type { Upgrades } from "./rule.js";
import { listToInput } from "./rule.js";

const axesToInput = listToInput("axes", 1);
const until13 = [{ until: 13, apply: axesToInput }];
const until18 = [{ until: 18, apply: axesToInput }];

export const axes: Upgrades = {
  Squeeze: until13,
  Unsqueeze: until13,
  ReduceSum: until13,
  ReduceL1: until18,
  ReduceL2: until18,
  ReduceLogSum: until18,
  ReduceLogSumExp: until18,
  ReduceMax: until18,
  ReduceMean: until18,
  ReduceMin: until18,
  ReduceProd: until18,
  ReduceSumSquare: until18,
};
