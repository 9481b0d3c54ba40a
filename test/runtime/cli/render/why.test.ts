/** @file The text of why a plan is as fast as it is. */
import { expect, it } from "vitest";
import type { Why } from "../../../../compiler/planning/why.js";
import { whyText } from "../../../../runtime/cli/render/why.js";

const why: Why = {
  bottleneck: { device: "cpu1", stages: [1], computeMs: 2, communicationMs: 1 },
  block: { name: "conv", ms: 0.5 },
  move: { block: "relu", ms: 0.25, toStage: 2, bottleneckMs: 3.5 },
  cuts: [{ block: "conv", fromStage: 0, toStages: [1], bytes: 2048 }],
  stepMs: { now: 10, oneMoreDevice: 8, linksTwiceAsFast: 10 },
};

it("says what is slowest, what a better balance fails on, what is cut and what would help", () => {
  expect(whyText(why, 200)).toMatchInlineSnapshot(`
    "slowest     cpu1 (stage 1): 2.00 ms compute, 1.00 ms transfers
    largest     conv takes 0.500 ms of it, which no cut divides
    balance     moving relu (0.250 ms) to stage 2 would raise the largest load to 3.50 ms
    cut         2.00 KiB per microbatch: conv 2.00 KiB (stage 0 to 1)
    step with   one more device 8.00 ms (−20.0 %), links twice as fast no shorter
    "
  `);
});

it("leaves out what there is none of", () => {
  const { bottleneck, block } = why;
  expect(whyText({ bottleneck, block, cuts: [], stepMs: { now: 10 } }, 200)).toMatchInlineSnapshot(`
    "slowest     cpu1 (stage 1): 2.00 ms compute, 1.00 ms transfers
    largest     conv takes 0.500 ms of it, which no cut divides
    "
  `);
});

it("tells moves that help from those that do not, and changes for the worse", () => {
  const better = { ...why, move: { ...why.move!, bottleneckMs: 2.5 }, stepMs: { now: 10, oneMoreDevice: 11 } };
  expect(whyText(better, 200)).toMatchInlineSnapshot(`
    "slowest     cpu1 (stage 1): 2.00 ms compute, 1.00 ms transfers
    largest     conv takes 0.500 ms of it, which no cut divides
    balance     moving relu (0.250 ms) to stage 2 would bring the largest load down to 2.50 ms
    cut         2.00 KiB per microbatch: conv 2.00 KiB (stage 0 to 1)
    step with   one more device 11.0 ms (+10.0 %)
    "
  `);
});
