import { describe, expect, it } from "vitest";
import { OPS } from "../compiler/ops/registry.js";
import type { Source } from "./support/sources.js";
import { lengthsUnder, sourcesUnder } from "./support/sources.js";

const sources = sourcesUnder("compiler", "runtime", "models");
const byPath = new Map(sources.map((source) => [source.path, source]));

const LEAVES = [
  "compiler/errors.ts",
  "compiler/gap.ts",
  "compiler/compute-ms.ts",
  "compiler/closest.ts",
  "compiler/names.ts",
  "compiler/random.ts",
  "compiler/pattern.ts",
];

/** What a part may import: values, and types in addition to that. Its own files are always allowed. */
const IMPORTS: readonly [part: string, values: readonly string[], types: readonly string[]][] = [
  ["compiler/schedule/", ["compiler/errors.ts", "compiler/gap.ts", "compiler/names.ts"], []],
  ["compiler/partition/solvers/", ["compiler/errors.ts", "compiler/partition/", "highs", "javascript-lp-solver"], []],
  [
    "compiler/partition/",
    ["compiler/errors.ts", "compiler/gap.ts", "compiler/compute-ms.ts"],
    ["compiler/ir/", "compiler/profile/", "highs"],
  ],
  ["compiler/ir/", LEAVES, ["compiler/ops/"]],
  ["compiler/ops/", [...LEAVES, "compiler/ir/"], []],
  ["compiler/autodiff/", [...LEAVES, "compiler/ir/"], ["compiler/ops/"]],
  ["compiler/loss/", [...LEAVES, "compiler/ir/", "compiler/ops/"], []],
  ["compiler/onnx/", [...LEAVES, "compiler/ir/", "compiler/ops/", "protobufjs/light.js"], []],
  ["compiler/profile/", [...LEAVES, "compiler/ir/"], ["compiler/autodiff/", "compiler/ops/", "compiler/partition/"]],
  ["compiler/optimizer/", [...LEAVES, "compiler/ir/", "compiler/onnx/", "compiler/plan/"], ["compiler/ops/"]],
  [
    "compiler/plan/",
    [...LEAVES, "compiler/ir/", "compiler/ops/", "compiler/optimizer/", "compiler/schedule/"],
    ["compiler/autodiff/", "compiler/partition/", "compiler/profile/"],
  ],
  ["compiler/", ["compiler/"], []],
  ["models/", ["compiler/"], []],
  ["runtime/env/", ["compiler/errors.ts", "koffi", "node:"], []],
  [
    "runtime/engine/",
    ["compiler/errors.ts", "compiler/names.ts", "runtime/env/", "koffi", "zod", "node:"],
    ["compiler/"],
  ],
  [
    "runtime/dataset/",
    [...LEAVES, "compiler/ir/", "compiler/plan/", "runtime/env/isolated.ts", "node:zlib", "hyparquet"],
    ["runtime/env/"],
  ],
  ["runtime/solver/", ["compiler/errors.ts", "compiler/partition/", "node:worker_threads"], []],
  ["runtime/cli/", ["compiler/", "runtime/", "models/", "commander", "yaml", "node:fs"], []],
  ["runtime/report/", ["compiler/", "runtime/", "zod", "node:crypto", "node:url"], []],
  ["runtime/torch-export/", ["compiler/", "runtime/", "node:url"], []],
  ["runtime/", ["compiler/", "runtime/", "zod", "node:crypto"], []],
];

/** The rule of a file: the first part that it lies in. */
function ruleOf({ path }: Source): (typeof IMPORTS)[number] {
  return IMPORTS.find(([part]) => path.startsWith(part))!;
}

const list = (found: readonly string[]) => found.join("\n");

describe("imports", () => {
  it("keep to the table", () => {
    const found = sources.flatMap((source) => {
      const [part, values, types] = ruleOf(source);
      return source.imports.flatMap(({ to, isType }) => {
        const allowed = [part, ...values, ...(isType ? types : [])];
        return allowed.some((prefix) => to.startsWith(prefix)) ? [] : [`${source.path} imports ${to}`];
      });
    });
    expect(list(found)).toBe("");
  });

  it("reach the command line and the models from the command line only", () => {
    const found = sources.flatMap(({ path, imports }) =>
      ["runtime/cli/", "models/"]
        .filter((part) => !path.startsWith(part) && !path.startsWith("runtime/cli/commands/"))
        .filter((part) => imports.some(({ to }) => to.startsWith(part)))
        .map((part) => `${path} imports ${part}`),
    );
    expect(list(found)).toBe("");
  });

  it("load no compiler pass into a worker", () => {
    const passes = [
      "compiler/onnx/",
      "compiler/ops/",
      "compiler/autodiff/",
      "compiler/partition/",
      "compiler/compile.ts",
    ];
    const seen = reachable("runtime/worker-main.ts");
    expect(seen.has("runtime/executor.ts") || seen.has("runtime/worker.ts")).toBe(true);
    expect([...seen].filter((path) => passes.some((pass) => path.startsWith(pass)))).toEqual([]);
  });

  it("form no circle of values", () => {
    expect(firstCircle()).toBe("");
  });

  it("name files of ours with .js, and exist", () => {
    const found = sources.flatMap(({ path, imports }) =>
      imports
        .filter(({ to }) => /^(compiler|runtime|models)\//.test(to) && !byPath.has(to))
        .map(({ to }) => `${path} imports ${to}`),
    );
    expect(list(found)).toBe("");
  });
});

describe("effects", () => {
  /** Files that see the process, the clock or the machine besides runtime/env. */
  const DOORS = ["runtime/env/", "runtime/cli/main.ts", "runtime/engine/ort/", "runtime/solver/"];
  const GLOBALS = [
    ...["process", "navigator", "Date", "performance", "console"],
    ...["setTimeout", "setInterval", "setImmediate", "fetch", "WebSocket"],
    ...["crypto", "webcrypto", "randomBytes", "randomInt", "randomUUID", "getRandomValues"],
  ];

  it("stay behind the doors", () => {
    const found = sources
      .filter(({ path }) => !DOORS.some((door) => path.startsWith(door)))
      .flatMap(({ path, identifiers }) =>
        GLOBALS.filter((name) => identifiers.has(name)).map((name) => `${path} uses ${name}`),
      );
    expect(list(found)).toBe("");
  });

  it("never are unseeded randomness", () => {
    const found = sources.filter(({ text }) => text.includes("Math.random")).map(({ path }) => path);
    expect(list(found)).toBe("");
  });

  it("end the process in main.ts only", () => {
    const ends = sources.filter(({ text }) => text.includes("process.exit")).map(({ path }) => path);
    expect(ends.filter((path) => !path.startsWith("runtime/env/"))).toEqual(["runtime/cli/main.ts"]);
  });
});

describe("state", () => {
  /** What stands outside functions and may change: a variable, or a container that is not readonly. */
  const CHANGING =
    /^(export )?(let |(const \w+ = |const \w+: (?!readonly|Readonly)[^=]*= )(new (Map|Set|WeakMap|Array)\b|\[\];))/m;

  /** Hold what they read out of constants, so that it is read once. */
  const MEMORIES = ["compiler/onnx/operator-forms.ts"];

  it("is kept by no part of the compiler from call to call", () => {
    expect(CHANGING.test("const known = new Map<string, number>();\nlet calls = 0;")).toBe(true);
    const found = sources.filter(({ path, text }) => /^(compiler|models)\//.test(path) && CHANGING.test(text));
    expect(found.map(({ path }) => path)).toEqual(MEMORIES);
  });
});

describe("files from anywhere", () => {
  const using = (name: string): readonly string[] =>
    sources.filter(({ identifiers }) => identifiers.has(name)).map(({ path }) => path);

  it("are decoded as ONNX behind the budget pass only", () => {
    const decoders = sources.filter(({ imports }) =>
      imports.some(({ to, isType }) => to.startsWith("protobufjs") && !isType),
    );
    expect(decoders.map(({ path }) => path)).toEqual(["compiler/onnx/codec.ts", "compiler/onnx/schema.ts"]);
    expect(using("scanModel")).toEqual([
      "compiler/onnx/codec.ts",
      "compiler/onnx/scan.ts",
      "runtime/plan/stage-graph.ts",
    ]);
  });

  it("are models from the loader or a plan only; other callers have bytes of ours or of the loader", () => {
    expect(using("decodeModel").filter((path) => path !== "compiler/onnx/codec.ts")).toEqual([
      "compiler/onnx/import.ts",
      "compiler/onnx/write-back.ts",
      "compiler/optimizer/programs.ts",
      "runtime/model-file.ts",
      "runtime/plan/plan-model.ts",
      "runtime/plan/stage-graph.ts",
      "runtime/trained-model.ts",
    ]);
    expect(using("importModel").filter((path) => path.startsWith("runtime/"))).toEqual([
      "runtime/exposed-program.ts",
      "runtime/model-file.ts",
    ]);
  });

  it("are JSON for the strict reader only; other callers have texts of ours or of the engine", () => {
    expect(sources.filter(({ text }) => text.includes("JSON.parse(")).map(({ path }) => path)).toEqual([
      "compiler/partition/formats/device-placement.ts",
      "compiler/plan/strict-json.ts",
      "runtime/cli/config-schema.ts",
      "runtime/cli/main.ts",
      "runtime/engine/ort/node-times.ts",
    ]);
  });

  it("are read whole in few places, each of which knows how much that may be", () => {
    const reads = sources.filter(({ text }) => /\bfiles\.read\(/.test(text)).map(({ path }) => path);
    expect(reads).toEqual([
      "runtime/dataset/open.ts",
      "runtime/engine/ort/ort-engine.ts",
      "runtime/model-file.ts",
      "runtime/plain-file.ts",
      "runtime/report/page.ts",
      "runtime/torch-export/export-torch.ts",
    ]);
  });
});

describe("op names", () => {
  /** Parts that make graphs; everything else asks properties of ops, not names. */
  const MAKERS = [
    "compiler/ops/",
    "compiler/onnx/",
    "compiler/loss/",
    "compiler/optimizer/",
    "compiler/autodiff/differentiate.ts",
    "compiler/plan/gradient-sums.ts",
    "compiler/plan/ports.ts",
    "compiler/repeatable.ts",
    "models/",
  ];

  it("are strings only where graphs are made", () => {
    const found = sources
      .filter(({ path }) => !MAKERS.some((maker) => path.startsWith(maker)))
      .flatMap(({ path, strings }) =>
        [...strings].filter((text) => Object.hasOwn(OPS, text)).map((op) => `${path} names ${op}`),
      );
    expect(list(found)).toBe("");
  });
});

describe("files", () => {
  it("have at most 400 lines, and half of them at most 110", () => {
    const lengths = sources.map(({ lines }) => lines).sort((a, b) => a - b);
    const all = [...sources, ...lengthsUnder("scripts", "test")];
    expect(list(all.filter(({ lines }) => lines > 400).map(({ path, lines }) => `${path} has ${lines}`))).toBe("");
    expect(lengths[Math.floor(lengths.length / 2)]).toBeLessThanOrEqual(110);
  });

  it("open with what they hold", () => {
    const found = sources.filter(({ text }) => !/^(#!.*\n)?\/\*\*\s+(\* )?@file /.test(text)).map(({ path }) => path);
    expect(list(found)).toBe("");
  });

  it("have no default export", () => {
    expect(list(sources.filter(({ hasDefaultExport }) => hasDefaultExport).map(({ path }) => path))).toBe("");
  });

  it("are no barrels but the two public ones", () => {
    const barrels = sources.filter(({ path }) => path.endsWith("/index.ts")).map(({ path }) => path);
    expect(barrels).toEqual(["compiler/index.ts", "runtime/index.ts"]);
  });

  it("are not called after nothing", () => {
    const found = sources.filter(({ path }) =>
      /(^|\/|-)(utils?|helpers?|manager|data|info|misc|common)(\/|-|\.ts)/.test(path),
    );
    // ONNX calls this attribute "tensor data".
    expect(list(found.map(({ path }) => path).filter((path) => path !== "compiler/onnx/tensor-data.ts"))).toBe("");
  });
});

describe("words", () => {
  /** A file format and a zod member of these names exist. */
  const EXCEPTIONS = ["idx", "readIdx"];

  it("are not the banned ones", () => {
    const banned = /chunk|helper|manager|utils|(^i|I)dx$/i;
    const found = sources.flatMap(({ path, identifiers }) =>
      [...identifiers]
        .filter((name) => banned.test(name) && !EXCEPTIONS.includes(name))
        .map((name) => `${path} says ${name}`),
    );
    expect(list(found)).toBe("");
  });

  it("leave nothing for later", () => {
    const found = sources.filter(({ text }) => /\b(TODO|FIXME|XXX|HACK)\b/.test(text)).map(({ path }) => path);
    expect(list(found)).toBe("");
  });
});

function reachable(start: string): ReadonlySet<string> {
  const seen = new Set<string>();
  const waiting = [start];
  while (waiting.length > 0) {
    const path = waiting.pop()!;
    if (seen.has(path)) continue;
    seen.add(path);
    for (const { to, isType } of byPath.get(path)?.imports ?? []) if (!isType) waiting.push(to);
  }
  return seen;
}

/** "a -> b -> a", or "" when there is none. Depth first; a file on the current path that is met again closes a circle. */
function firstCircle(): string {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): string => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file].join(" -> ");
    if (done.has(file)) return "";
    done.add(file);
    path.push(file);
    for (const { to, isType } of byPath.get(file)?.imports ?? []) {
      const circle = isType || !byPath.has(to) ? "" : visit(to);
      if (circle) return circle;
    }
    path.pop();
    return "";
  };
  for (const { path: file } of sources) {
    const circle = visit(file);
    if (circle) return circle;
  }
  return "";
}
