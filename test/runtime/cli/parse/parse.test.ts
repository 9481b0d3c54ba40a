import { describe, expect, it } from "vitest";
import { parseCosts } from "../../../../runtime/cli/parse/costs.js";
import { parseLinks } from "../../../../runtime/cli/parse/links.js";
import { parseDevices } from "../../../../runtime/cli/parse/devices.js";
import { pairs, wholeNumber } from "../../../../runtime/cli/parse/text.js";
import {
  parseParameterGroups,
  parseLearningRate,
  parseOptimizer,
  parsePositive,
} from "../../../../runtime/cli/parse/optimizer.js";
import { parseBind, parseLosses } from "../../../../runtime/cli/parse/training.js";
import { parseBytes, parseDurationMs, parseLink, parseShare } from "../../../../runtime/cli/parse/units.js";

describe("clusters", () => {
  it("reads devices that are slower than others", () => {
    expect(parseDevices("1xcpu,2xcpu*0.5:1KiB")).toEqual([
      { name: "cpu0", kind: "cpu" },
      { name: "cpu1", kind: "cpu", memoryBytes: 1024, speed: 0.5 },
      { name: "cpu2", kind: "cpu", memoryBytes: 1024, speed: 0.5 },
    ]);
    expect(() => parseDevices("cpu*0")).toThrow("speeds above 0");
  });

  it("reads links for all, for pairs and for one way", () => {
    expect(parseLinks("10GB/s,20us;0-1=1GB/s,1ms;1>2=2GB/s")).toEqual({
      link: { bytesPerMs: 1e7, latencyMs: 0.02 },
      links: [
        { from: 0, to: 1, bytesPerMs: 1e6, latencyMs: 1 },
        { from: 1, to: 0, bytesPerMs: 1e6, latencyMs: 1 },
        { from: 1, to: 2, bytesPerMs: 2e6, latencyMs: 0 },
      ],
    });
    expect(parseLinks("0-1=1GB/s").link).toBeUndefined();
    for (const bad of ["0-0=1GB/s", "1GB/s;2GB/s", "0=1GB/s", "0-1=fast"])
      expect(() => parseLinks(bad)).toThrow("cannot read");
  });
});

describe("units", () => {
  it.each([
    ["2GiB", 2 * 2 ** 30],
    ["512 MB", 512e6],
    ["4096", 4096],
    ["1.5kib", 1536],
  ])("reads %s as bytes", (text, bytes) => expect(parseBytes(text)).toBe(bytes));

  it.each([
    ["20us", 0.02],
    ["1.5ms", 1.5],
    ["30s", 30_000],
    ["2", 2000],
    ["1min", 60_000],
  ])("reads %s as a time", (text, ms) => expect(parseDurationMs(text)).toBeCloseTo(ms, 12));

  it("reads links and shares", () => {
    expect(parseLink("10GB/s,20us")).toEqual({ bytesPerMs: 1e7, latencyMs: 0.02 });
    expect(parseLink("1MiB/s")).toEqual({ bytesPerMs: 1048.576, latencyMs: 0 });
    expect([parseShare("1%"), parseShare("0.25")]).toEqual([0.01, 0.25]);
  });

  it.each([
    [() => parseBytes("2 cats"), 'cannot read "2 cats"; expected a number of bytes, such as 2GiB or 512MB.'],
    [() => parseBytes("-1"), 'cannot read "-1"; expected a number of bytes, such as 2GiB or 512MB.'],
    [() => parseDurationMs(""), 'cannot read ""; expected a time, such as 20us, 1.5ms or 30s.'],
    [() => parseLink("10GB"), 'cannot read "10GB"; expected a rate and a latency, such as 10GB/s,20us.'],
    [() => parseLink("0GB/s"), 'cannot read "0GB/s"; expected a rate and a latency, such as 10GB/s,20us.'],
    [() => parseShare("150%"), 'cannot read "150%"; expected a share, such as 1% or 0.01.'],
    [() => wholeNumber(1)("0"), 'cannot read "0"; expected a whole number of at least 1.'],
    [() => wholeNumber(0)("1e3"), 'cannot read "1e3"; expected a whole number of at least 0.'],
    [() => pairs("a=1,a=2", "x"), '"a" is given twice; expected it once.'],
  ])("refuses what it cannot read (%#)", (parse, message) => expect(parse).toThrow(message));
});

describe("parseDevices", () => {
  it("reads a number as CPU workers", () => {
    expect(parseDevices("2")).toEqual([
      { name: "cpu0", kind: "cpu" },
      { name: "cpu1", kind: "cpu" },
    ]);
  });

  it("reads kinds with memory", () => {
    expect(parseDevices("2xcpu:2GiB, cuda, cpu")).toEqual([
      { name: "cpu0", kind: "cpu", memoryBytes: 2 ** 31 },
      { name: "cpu1", kind: "cpu", memoryBytes: 2 ** 31 },
      { name: "cuda0", kind: "cuda" },
      { name: "cpu2", kind: "cpu" },
    ]);
  });

  it.each([
    ["0", 'cannot read "0"; expected devices, such as 4 or 4xcpu:2GiB,1xcuda.'],
    ["", 'cannot read ""; expected devices, such as 4 or 4xcpu:2GiB,1xcuda.'],
    ["2xcdua", 'cannot read "cdua"; expected one of cpu, cuda, webgpu. Did you mean cuda?'],
    ["2000", 'too many devices in "2000"; expected at most 1024.'],
  ])("refuses %j", (text, message) => expect(() => parseDevices(text)).toThrow(message));
});

describe("parseLosses", () => {
  it("reads several terms", () => {
    expect(parseLosses("mse:y=target,weight=0.5; output:penalty")).toEqual([
      { kind: "mse", output: "y", target: "target", weight: 0.5 },
      { kind: "output", output: "penalty", weight: 1 },
    ]);
  });
});

describe("parseOptimizer", () => {
  it("fills what is left out", () => {
    expect(parseOptimizer("sgd")).toEqual({ kind: "sgd", learningRate: 0.01, momentum: 0, weightDecay: 0 });
    expect(parseOptimizer("adamw:lr=0.1,weight-decay=0")).toEqual({
      kind: "adamw",
      learningRate: 0.1,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0,
    });
  });

  it.each([
    ["adam", 'cannot read "adam"; expected one of sgd, adamw. Did you mean adamw?'],
    ["sgd:lr", 'cannot read "lr"; expected NAME=VALUE, such as lr=0.01,weight-decay=0.'],
    ["sgd:lr=-1", 'cannot read "-1"; expected a number of at least 0.'],
    ["sgd:beta1=1", 'unknown setting "beta1"; expected lr, momentum, weight-decay.'],
  ])("refuses %s", (text, message) => expect(() => parseOptimizer(text)).toThrow(message));
});

describe("parseLearningRate", () => {
  it("fills what is left out", () => {
    expect(parseLearningRate("constant")).toEqual({ kind: "constant", warmupSteps: 0, warmupStart: 0, floor: 0 });
    expect(parseLearningRate("cosine:warmup=10,total=200,min=0.1,warmup-start=0.5")).toEqual({
      kind: "cosine",
      warmupSteps: 10,
      warmupStart: 0.5,
      totalSteps: 200,
      floor: 0.1,
    });
  });

  it("reads maps and the names of DeepSpeed's settings", () => {
    const known = "type=linear,warmup_num_steps=5,total_num_steps=9,warmup_min_ratio=0.2";
    expect(parseLearningRate(known)).toEqual(parseLearningRate("linear:warmup=5,total=9,warmup-start=0.2"));
    expect(parseOptimizer("kind=sgd,lr=1,weightDecay=0.5")).toEqual(parseOptimizer("sgd:lr=1,weight-decay=0.5"));
  });

  it.each([
    ["WarmupLR", 'cannot read "WarmupLR"; expected one of constant, linear, cosine.'],
    ["cosine:warmup=9,total=9", "the warm-up leaves no step; got warmup=9 and total=9, expected a larger total."],
    ["constant:total=9", 'unknown setting "total"; expected warmup, warmup-start.'],
    ["linear:warmup=1,warmup_num_steps=2", '"warmup" is given twice; expected it once.'],
    ["linear:warmup=1.5", 'cannot read "1.5"; expected a whole number of at least 0.'],
  ])("refuses %s", (text, message) => expect(() => parseLearningRate(text)).toThrow(message));
});

describe("parseParameterGroups", () => {
  it("reads patterns and settings, names with colons included", () => {
    expect(
      parseParameterGroups("*.bias, @vectors:weight-decay=0;onnx::MatMul_7:lr-scale=0.1,weight_decay=0.5"),
    ).toEqual([
      { parameters: ["*.bias", "@vectors"], weightDecay: 0 },
      { parameters: ["onnx::MatMul_7"], weightDecay: 0.5, learningRateScale: 0.1 },
    ]);
  });

  it.each([
    ["*.bias", 'cannot read "*.bias"; expected PATTERNS:SETTINGS, such as *.bias:weight-decay=0.'],
    [",a:lr-scale=1", "expected PATTERNS:SETTINGS"],
    ["a:lr=1", 'unknown setting "lr"; expected weight-decay, lr-scale.'],
    ["a:lr-scale=-1", 'cannot read "-1"; expected a number of at least 0.'],
  ])("refuses %s", (text, message) => expect(() => parseParameterGroups(text)).toThrow(message));
});

it("parsePositive refuses zero", () => {
  expect(parsePositive("0.5")).toBe(0.5);
  expect(() => parsePositive("0")).toThrow('cannot read "0"; expected a number above 0.');
});

describe("parseBind and parseCosts", () => {
  it("reads sizes", () =>
    expect([...parseBind("batch=4,a=b=2")]).toEqual([
      ["batch", 4],
      ["a=b", 2],
    ]));
  it("refuses a dimension of 0", () =>
    expect(() => parseBind("batch=0")).toThrow('cannot read "0"; expected a whole number of at least 1.'));
  it("reads costs", () =>
    expect(parseCosts("1,2,3")).toEqual({ forwardMs: 1, inputGradMs: 2, weightGradMs: 3, latencyMs: 0 }));
  it("reads costs as powers of ten", () =>
    expect(parseCosts("1e-3,2,3e2,1e1")).toEqual({
      forwardMs: 0.001,
      inputGradMs: 2,
      weightGradMs: 300,
      latencyMs: 10,
    }));
  it("refuses costs whose sums are no numbers", () => expect(() => parseCosts("1e308,1,1")).toThrow("cannot read"));
  it("takes anything else for a file of costs", () => expect(parseCosts("times.json")).toEqual({ file: "times.json" }));
  it("refuses two costs", () => expect(() => parseCosts("1,2")).toThrow('cannot read "1,2"; expected ms of F, I, W'));
});
