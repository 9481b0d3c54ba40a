import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { PipewrightError } from "../../../compiler/errors.js";
import { COMMANDS } from "../../../runtime/cli/commands/table.js";
import { runProgram } from "../../../runtime/cli/program.js";
import { golden } from "../../support/golden.js";
import { pipewright } from "../../support/shell.js";

const folder = mkdtempSync(join(tmpdir(), "pipewright-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe("help", () => {
  it("opens with three examples", async () => {
    const { exitCode, stdout } = await pipewright(["--help"]);
    expect(exitCode).toBe(0);
    golden("cli/help.txt", stdout);
  });

  it.each(COMMANDS.map(({ name }) => name))("%s shows its examples, arguments and flags", async (name) => {
    const { exitCode, stdout } = await pipewright([name, "--help"]);
    expect(exitCode).toBe(0);
    golden(`cli/help-${name}.txt`, stdout);
  });

  it("is what a bare call shows, as an error", async () => {
    const { exitCode, stdout, stderr } = await pipewright([]);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("Usage: pipewright");
  });
});

describe("errors", () => {
  it.each([
    [["partiton", "x.onnx"], 2, "unknown command 'partiton'. Did you mean partition?"],
    [["schedule", "--devces", "2"], 2, "unknown option '--devces'. Did you mean --devices?"],
    [["inspect"], 2, "missing required argument 'model.onnx'."],
    [["schedule", "--devices", "two"], 2, '--devices: cannot read "two"; expected one of cpu, cuda, webgpu.'],
    [
      ["schedule", "--set", "device=2"],
      2,
      '--set: there is no flag "device". Did you mean devices? `pipewright --help` lists all.',
    ],
    [["schedule", "--devices", "2", "--schedule", "zb-h3"], 2, "Did you mean zb-h1?"],
    [["inspect", "/nowhere/model.onnx"], 6, "/nowhere/model.onnx: cannot be read; there is no such file or directory."],
    [["simulate", "/nowhere/plan"], 6, "/nowhere/plan/plan.json: cannot be read; there is no such file or directory."],
    [
      ["schedule", "--devices", "4", "--microbatches", "8", "--schedule", "gpipe", "--memory", "4"],
      7,
      "schedule gpipe: device 0 keeps too many activations; got 8, expected at most 4. Choose --schedule auto or give more memory.",
    ],
  ] as const)("%j ends with %i and one message", async (words, code, message) => {
    const { exitCode, stdout, stderr } = await pipewright(words);
    expect([exitCode, stdout]).toEqual([code, ""]);
    expect(stderr).toContain(`error: `);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("    at ");
  });

  it("is one JSON document under --json", async () => {
    const { exitCode, stdout } = await pipewright(["schedule", "--devices", "0", "--json"]);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: "USAGE",
        exitCode: 2,
        message: '--devices: cannot read "0"; expected devices, such as 4 or 4xcpu:2GiB,1xcuda.',
        details: { flag: "devices" },
      },
    });
  });

  it("shows the stack of our own bugs and ends with 70", async () => {
    const broken = {
      ...COMMANDS.find(({ name }) => name === "doctor")!,
      load: async () => () => Promise.reject(new Error("internal: oops")),
    };
    const stderr: string[] = [];
    const terminal = {
      write: () => {},
      note: (text: string) => void stderr.push(text),
      isInteractive: false,
      color: false,
      columns: 80,
    };
    const exitCode = await runProgram(["doctor"], [broken], {
      terminal,
      version: "0",
      variables: {},
      makeEnv: async () => ({}) as never,
      signal: new AbortController().signal,
    });
    expect(exitCode).toBe(70);
    expect(stderr.join("")).toMatch(/internal: oops\n\s+at .*\n[^]*This is a bug of pipewright; please report it\.\n$/);
  });
});

describe("flags", () => {
  const devices = async (words: readonly string[], variables = {}) => {
    const { exitCode, stdout, stderr } = await pipewright(["schedule", "--json", ...words], { variables });
    if (exitCode !== 0) throw new Error(stderr);
    return (JSON.parse(stdout) as { schedule: { devices: number; microbatches: number; name: string } }).schedule;
  };

  it("are missed in variables that are nearly one", async () => {
    const variables = { PIPEWRIGHT_MICROBATCHS: "8", PIPEWRIGHT_PYTHON: "python3" };
    const said = "PIPEWRIGHT_MICROBATCHS is no flag and says nothing. Did you mean PIPEWRIGHT_MICROBATCHES?\n";
    expect((await pipewright(["config"], { variables })).stderr).toBe(said);
    expect((await pipewright(["config", "-q"], { variables })).stderr).toBe("");
  });

  it("come from a file, the environment, --set and the flag, the later the stronger", async () => {
    const config = file("job.yaml", "version: 1\npartitions: 2\nmicrobatches: 6\npipeline: simple\n");
    expect(await devices(["--config", config])).toMatchObject({ devices: 2, microbatches: 6, name: "gpipe" });
    const variables = { PIPEWRIGHT_DEVICES: "3" };
    expect(await devices(["--config", config], variables)).toMatchObject({ devices: 3, microbatches: 6 });
    expect(await devices(["--config", config, "--set", "devices=4"], variables)).toMatchObject({ devices: 4 });
    expect(await devices(["--config", config, "--set", "devices=4", "-d", "5"], variables)).toMatchObject({
      devices: 5,
    });
  });

  it("may be JSON, lists and maps", async () => {
    const config = file("job.json", '{"devices": ["2xcpu:1GiB", "cpu"], "bind": {"batch": 4}}');
    expect(await devices(["-c", config])).toMatchObject({ devices: 3 });
  });

  it.each([
    ["device: 2", 'there is no flag "device". Did you mean devices? `pipewright --help` lists all.'],
    ["- 1", 'expected a map from flags to values, such as "devices: 4".'],
    ["devices: two", 'devices: cannot read "two"; expected one of cpu, cuda, webgpu.'],
    ["devices: {a: [1]}", "devices: expected a scalar, a list of scalars or a map of scalars."],
    ["a: 'b", "neither YAML nor JSON: Missing closing 'quote"],
  ])("say where %j is wrong", async (text, message) => {
    const path = file("bad.yaml", text);
    const { exitCode, stderr } = await pipewright(["schedule", "-c", path]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(path);
    expect(stderr).toContain(message);
  });
});

describe("interrupts", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ])("%s ends with %i once the command has stopped", async (signal, code) => {
    const controller = new AbortController();
    const spec = {
      ...COMMANDS.find(({ name }) => name === "doctor")!,
      load: async () => async () => {
        controller.abort(signal);
        return { json: { stopped: true }, text: "stopped\n" };
      },
    };
    let stdout = "";
    const terminal = {
      write: (text: string) => void (stdout += text),
      note: () => {},
      isInteractive: false,
      color: false,
      columns: 80,
    };
    const shell = {
      terminal,
      version: "0",
      variables: {},
      makeEnv: async () => ({}) as never,
      signal: controller.signal,
    };
    expect(await runProgram(["doctor"], [spec], shell)).toBe(code);
    expect(stdout).toBe("stopped\n");
  });
});

describe("exit codes", () => {
  it("are those of the error codes", () => {
    expect(new PipewrightError("FILE", "x").exitCode).toBe(6);
    expect(new PipewrightError("VERIFY_MISMATCH", "x").exitCode).toBe(11);
  });
});
