/** @file `schedule` on its own, without a model: choosing, limits, files out, files in. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { pipewright } from "../../support/shell.js";

const folder = mkdtempSync(join(tmpdir(), "pipewright-schedule-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const run = (words: string, ...more: readonly string[]) => pipewright(["schedule", ...words.split(" "), ...more]);

interface Document {
  readonly schedule: {
    readonly name: string;
    readonly stages: number;
    readonly placement: readonly number[];
    readonly makespanMs: number;
    readonly boundMs: number | null;
    readonly gap: number | null;
    readonly status: string;
    readonly bubble: number;
    readonly spanBubble: number;
    readonly peakStash: readonly number[];
    readonly template: { readonly name: string; readonly makespanMs: number } | null;
  };
  readonly check?: {
    readonly form: string;
    readonly dialect: string;
    readonly faults: readonly { readonly invariant: string }[];
    readonly refusals: readonly string[];
    readonly leastSlots: number | null;
  };
}
async function json(words: string, ...more: readonly string[]): Promise<Document> {
  const { stdout } = await run(words, ...more, "--json");
  return JSON.parse(stdout) as Document;
}

/** Eight unlike stages. */
const TIMES = {
  forwardMs: [1, 1.3, 0.8, 1.2, 1, 1.1, 0.9, 1.3],
  inputGradMs: [1.05, 1.4, 0.84, 1.26, 1.05, 1.15, 0.95, 1.4],
  weightGradMs: [0.75, 1, 0.6, 0.9, 0.75, 0.8, 0.7, 1],
  latencyMs: 0.1,
};
writeFileSync(at("times.json"), JSON.stringify(TIMES));

describe("without a model", () => {
  it("takes one unit for F, I and W, and free links", async () => {
    const { schedule } = await json("-d 4 -m 8 --schedule 1f1b");
    expect(schedule).toMatchObject({ makespanMs: 33, boundMs: 33, gap: 0, status: "optimal" });
    expect((await run("-d 4 -m 8 --schedule zb-h2")).stdout).toContain(`
step         27 units  (optimal: no order of these actions is shorter)
bubble       11.1 % of the step, from a common start (makespan)
             0.0 % of 24 units, the longest that one device is at it (span)
activations  at most 7, 7, 7, 7 per device
`);
  });

  it("finds the shortest step within a memory limit, from a file of times", async () => {
    const { schedule } = await json("-d 8 -m 24 --memory 10 --costs", at("times.json"));
    expect(schedule.gap).toBeLessThanOrEqual(0.03);
    expect(schedule.gap).toBeCloseTo((schedule.makespanMs - schedule.boundMs!) / schedule.makespanMs, 12);
    expect(Math.max(...schedule.peakStash)).toBeLessThanOrEqual(10);
    expect(schedule.makespanMs).toBeLessThanOrEqual(schedule.template!.makespanMs);
    const again = await json("-m 24 --memory 10 --schedule auto --costs", at("times.json"));
    expect(again.schedule).toEqual(schedule);
  });

  it("takes parts of an activation as memory, and says which schedule a search found", async () => {
    const found = await json("-d 2 -m 4 --memory 1.5 --costs 1,1.3,0.8,0.3");
    expect(Math.max(...found.schedule.peakStash)).toBeLessThanOrEqual(1.5);
    const searched = await json("-d 8 -m 24 --memory 10 --schedule search --costs", at("times.json"));
    expect(["search", "zb-auto"]).toContain(searched.schedule.name);
  });

  it("refuses times of other stages than the devices have", async () => {
    const { stderr, exitCode } = await run("-d 3 -m 6 --costs", at("times.json"));
    expect(exitCode).toBe(2);
    expect(stderr).toContain("got times of 8 stages for 3 devices");
  });

  it("tries every placement, or the one that is asked for", async () => {
    const wanted = "-d 2 -m 4 --stages-per-device 2 --schedule auto --costs 1,1,1,0.5";
    const [auto, looped, wave] = [
      await json(wanted),
      await json(`${wanted} --placement looped`),
      await json(`${wanted} --placement wave`),
    ];
    expect([looped.schedule.placement, wave.schedule.placement]).toEqual([
      [0, 1, 0, 1],
      [0, 1, 1, 0],
    ]);
    expect(auto.schedule.makespanMs).toBe(Math.min(looped.schedule.makespanMs, wave.schedule.makespanMs));
  });

  it("gives the same schedule for the same seed", async () => {
    const words = "-m 8 --schedule search --seed 3 --costs";
    expect(await json(words, at("times.json"))).toEqual(await json(words, at("times.json")));
  });

  it.each([
    ["no JSON", "{", "it is not JSON (Expected property name or '}' in JSON at position 1)"],
    ["another name", JSON.stringify({ ...TIMES, forward: 1 }), 'the document: Unrecognized key: "forward"'],
    ["a negative time", JSON.stringify({ ...TIMES, latencyMs: -1 }), "latencyMs: Too small: expected number to be >=0"],
  ])("refuses a file of times with %s", async (_, text, wrong) => {
    writeFileSync(at("bad.json"), text);
    const { exitCode, stderr } = await run("-d 8 --costs", at("bad.json"));
    expect([exitCode, stderr]).toEqual([
      2,
      `error: costs ${at("bad.json")}: ${wrong}; expected forwardMs, inputGradMs and weightGradMs, each a number or one number per stage. Correct the file.\n`,
    ]);
  });

  it("shows a grid on request where times are whole, else the order of the rows", async () => {
    const rows = (text: string) => text.split("\n").slice(2, 4);
    expect(rows((await run("-d 2 -m 2 --schedule gpipe --grid")).stdout)).toEqual([
      "d0  0F0 0F1 ... ... ... 0B0 === 0B1 ===",
      "d1  ... 1F0 1F1 1B0 === 1B1 === ... ...",
    ]);
    expect(rows((await run("-d 2 -m 2 --schedule gpipe --grid --costs 0.5,0.4,0.3")).stdout)).toEqual([
      "d0  0F0 0F1 0B0 0B1",
      "d1  1F0 1F1 1B0 1B1",
    ]);
  });

  it("copes with 102,000 actions", async () => {
    const files = ["--trace", at("big.json"), "--svg", at("big.svg"), "--csv", at("big.csv")];
    const { schedule } = await json("-d 34 -m 1000 --schedule zb-h1", ...files);
    expect(schedule).toMatchObject({ makespanMs: 3033, status: "optimal" });
    expect((await run("--check", at("big.csv"))).stdout).toContain("rules        all kept\n");
  });

  it("says what is missing", async () => {
    expect((await run("--costs 1,1,1")).stderr).toBe(
      "error: schedule: the number of devices is not known; got no list of stages, 1 on each device. Give --devices.\n",
    );
    expect((await run("-d 4 --costs", at("times.json"), "--schedule", "zb-h1")).stderr).toMatch(
      /zb-h1: cannot run this many stages per device; got 2 expected 1/,
    );
    expect((await run("-d 3 -m 4 --schedule 1f1b --costs", at("times.json"))).exitCode).toBe(2);
  });
});

describe("files", () => {
  it("are written on request", async () => {
    const paths = ["csv", "svg", "trace"].map((kind) => at(`out.${kind}`));
    const flags = ["csv", "svg", "trace"].flatMap((kind, k) => [`--${kind}`, paths[k]!]);
    const { stdout } = await run("-d 2 -m 4 --schedule zb-h1", ...flags);
    for (const path of paths) expect(stdout).toContain(`wrote        ${path}\n`);
    expect(readFileSync(paths[0]!, "utf8")).toBe(
      "0F0,0F1,0I0,0W0,0F2,0I1,0W1,0F3,0I2,0W2,0I3,0W3\n1F0,1I0,1F1,1I1,1W0,1F2,1I2,1W1,1F3,1I3,1W2,1W3\n",
    );
    expect(readFileSync(paths[1]!, "utf8")).toContain("step 13 units, bubble 7.7 % of it (makespan)");
    const { traceEvents } = JSON.parse(readFileSync(paths[2]!, "utf8")) as { traceEvents: { ph: string }[] };
    expect(traceEvents.filter(({ ph }) => ph === "X")).toHaveLength(24);
    expect(traceEvents.filter(({ ph }) => ph === "s")).toHaveLength(8);
  });

  it("are refused with the reason where PyTorch cannot run the schedule", async () => {
    const { exitCode, stderr } = await run("-d 2 -m 4 --schedule dualpipe --csv", at("none.csv"));
    expect([exitCode, stderr]).toEqual([
      7,
      "error: schedule dualpipe: PyTorch cannot run it; got 2 copies of the model (PyTorch runs one) expected none of these. Choose another schedule or placement.\n",
    ]);
  });

  it.each(["compute_only", "compute_comms"])("pass their own check: %s", async (form) => {
    const comms = form === "compute_comms" ? ["--comms"] : [];
    const written = await json("-d 2 -m 8 --schedule interleaved-zb --csv", at("own.csv"), ...comms);
    const checked = await json("--check", at("own.csv"));
    expect(checked.schedule).toEqual({ ...written.schedule, name: at("own.csv") });
    const leastSlots = form === "compute_comms" ? 0 : null;
    expect(checked.check).toMatchObject({ form, dialect: "current", faults: [], refusals: [], leastSlots });
  });
});

describe("--check", () => {
  it("reads the words of 2024", async () => {
    const text = readFileSync("fixtures/reference/schedules/pytorch-zb1p-2x2-8.csv", "utf8");
    writeFileSync(at("old.csv"), text.replace(/^#.*\n/, ""));
    const { check, schedule } = await json("--check", at("old.csv"));
    expect(check).toMatchObject({ form: "compute_only", dialect: "2024", faults: [], refusals: [] });
    expect(schedule.makespanMs).toBeGreaterThanOrEqual(schedule.boundMs!);
    expect((await run("--check", at("old.csv"))).stdout).toContain("in the words of 2024: B is read as I, BW as B");
  });

  it("shows what is wrong, with the grid", async () => {
    writeFileSync(at("stuck.csv"), "0F0,0B0,0F1,0B1\n1F0,1F1,1B0,1B1\n");
    const { exitCode, stdout } = await run("--check", at("stuck.csv"));
    expect(exitCode).toBe(7);
    expect(stdout).toBe(`${at("stuck.csv")}: compute_only, 2 devices, 2 stages, 2 microbatches

messages     none in the file; the engine adds them
rules        1 broken

V7: deadlock after 2 actions: device 0 at 0B0 waits for 1B0 of device 1; device 1 at 1F1 waits for 0F1 of device 0; got d0 0B0, d1 1F1 expected all rows to end. Move one of the awaited actions forward.
d0  0F0 0B0 0F1 0B1
        ^ d0, position 1
d1  1F0 1F1 1B0 1B1
`);
  });

  it("tells bubble and bound of a file whose messages are mixed up, and how many a channel must hold", async () => {
    const row = (text: string) => text.replaceAll(" ", ",");
    const rows = [
      "0F0 0SEND_F0 0F1 0SEND_F1 0RECV_B0 0B0 0RECV_B1 0B1 0REDUCE_GRAD",
      "1RECV_F1 1RECV_F0 1F0 1B0 1SEND_B0 1F1 1B1 1SEND_B1 1REDUCE_GRAD",
    ];
    writeFileSync(at("mixed.csv"), `${rows.map(row).join("\n")}\n`);
    const { check, schedule } = await json("--check", at("mixed.csv"));
    expect(check!.faults.map(({ invariant }) => invariant)).toEqual(["V6"]);
    expect(schedule).toMatchObject({ makespanMs: 9, boundMs: 9 });
    writeFileSync(
      at("late.csv"),
      `${[rows[0]!, rows[1]!.replace("1RECV_F1 1RECV_F0", "1RECV_F0 1RECV_F1")].map(row).join("\n")}\n`,
    );
    expect((await json("--check", at("late.csv"))).check).toMatchObject({ faults: [], leastSlots: 0 });
  });

  it("says what PyTorch cannot run although no rule is broken", async () => {
    writeFileSync(at("reverse.csv"), "0F1,0F0,0B1,0B0\n1F1,1B1,1F0,1B0\n");
    const { stdout, exitCode } = await run("--check", at("reverse.csv"));
    expect(exitCode).toBe(0);
    expect(stdout).toContain(
      "PyTorch      cannot run it: microbatch 1 as number 0 on the last stage (PyTorch counts its losses)\n",
    );
  });
});
