import { expect, test } from "vitest";
import { PipewrightError } from "../../../compiler/errors.js";
import { formatLoss, parseLoss } from "../../../compiler/loss/spec.js";

test.each([
  ["mse:boxes=offsets", { kind: "mse", output: "boxes", target: "offsets", weight: 1 }],
  ["mse", { kind: "mse", target: "target", weight: 1 }],
  ["mse:=labels", { kind: "mse", target: "labels", weight: 1 }],
  ["bce-with-logits:scores", { kind: "bce-with-logits", output: "scores", target: "target", weight: 1 }],
  ["mse:dense:0=y,weight=0.5", { kind: "mse", output: "dense:0", target: "y", weight: 0.5 }],
  ["mse:a=b=c", { kind: "mse", output: "a=b", target: "c", weight: 1 }],
  ["mse:a,b=c", { kind: "mse", output: "a,b", target: "c", weight: 1 }],
  ["output:total/loss,weight=-2", { kind: "output", output: "total/loss", weight: -2 }],
  [
    "softmax-cross-entropy:logits=labels,axis=1,ignore-index=-100",
    { kind: "softmax-cross-entropy", output: "logits", target: "labels", axis: 1, ignoreIndex: -100, weight: 1 },
  ],
])("reads %s", (text, spec) => {
  expect(parseLoss(text)).toEqual(spec);
  expect(parseLoss(formatLoss(parseLoss(text)))).toEqual(spec);
});

test.each([
  ["msee:a=b", /unknown kind "msee"; expected .*softmax-cross-entropy, mse.* Did you mean mse\?/],
  ["", /unknown kind ""/],
  ["output", /name of the output is missing/],
  ["output:loss,axis=1", /output takes no axis/],
  ["mse:a=", /name of the target is missing/],
  ["mse:a=b,axis=1", /mse takes no axis/],
  ["mse:a=b,weight=x", /weight is "x"; expected a number/],
  ["mse:a=b,weight=", /weight is ""/],
  ["mse:a=b,weight=1,weight=2", /weight is given twice/],
  ["softmax-cross-entropy:a=b,ignore-index=0.5", /ignore-index is "0.5"; expected an integer/],
])("refuses %s", (text, message) => {
  expect(() => parseLoss(text)).toThrow(message);
  expect(() => parseLoss(text)).toThrow(PipewrightError);
});
