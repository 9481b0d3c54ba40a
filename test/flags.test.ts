import { describe, expect, it } from "vitest";
import { COMMANDS } from "../runtime/cli/commands/table.js";
import { COMMON_FLAGS, FLAGS } from "../runtime/cli/flags.js";

const formOf = (name: string) => FLAGS[name as keyof typeof FLAGS].form;

/** The command line's contract: adding a flag is a visible act, removing or renaming one breaks users. */
const FROZEN_FLAGS = [
  "-d, --devices <list>",
  "--link <rate,latency>",
  "-m, --microbatches <n>",
  "--batch <n>",
  "--microbatch-size <n>",
  "--stages-per-device <n>",
  "-s, --schedule <name>",
  "--recompute <which>",
  "--window <n>",
  "-b, --bind <dim=size>",
  "--input-shape <name=sizes>",
  "--limit <name=value>",
  "--loss <spec>",
  "--optimizer <spec>",
  "--lr-schedule <spec>",
  "--param-group <spec>",
  "--clip-norm <n>",
  "--trainable <patterns>",
  "--batch-norm <mode>",
  "--gap <share>",
  "--time-limit <time>",
  "--method <name>",
  "--optimize <goal>",
  "--memory-weight <w>",
  "--pin <nodes=stage>",
  "--together <nodes>",
  "--uncut <tensors>",
  "--max-in-flight <n>",
  "--profile <file>",
  "--analytic",
  "--repeat <n>",
  "--costs <f,i,w[,send]>",
  "--memory <n>",
  "--placement <kind>",
  "--grid",
  "--csv <file>",
  "--comms",
  "--svg <file>",
  "--trace <file>",
  "--check <file>",
  "--data <source>",
  "--no-shuffle",
  "--steps <n>",
  "--prefetch <n>",
  "--checkpoint-every <n>",
  "--checkpoint-dir <path>",
  "--keep <n>",
  "--resume <where>",
  "--restarts <n>",
  "--hang-timeout <time>",
  "--seed <n>",
  "--target <kind>",
  "--print",
  "-o, --out <path>",
];

const FROZEN_COMMON_FLAGS = [
  "--json",
  "-q, --quiet",
  "-v, --verbose",
  "--log-format <kind>",
  "--color <when>",
  "--no-color",
  "-c, --config <file>",
  "--set <flag=value>",
];

const FROZEN_COMMANDS = [
  "demo",
  "inspect",
  "profile",
  "partition",
  "schedule",
  "simulate",
  "verify",
  "train",
  "report",
  "compare",
  "export",
  "config",
  "completion",
  "doctor",
];

describe("the command line", () => {
  it("has these flags", () => expect(Object.values(FLAGS).map(({ form }) => form)).toEqual(FROZEN_FLAGS));
  it("has these common flags", () =>
    expect(Object.values(COMMON_FLAGS).map(({ form }) => form)).toEqual(FROZEN_COMMON_FLAGS));
  it("has these commands", () => expect(COMMANDS.map(({ name }) => name)).toEqual(FROZEN_COMMANDS));

  it.each(COMMANDS.map((command) => [command.name, command] as const))(
    "%s keeps to itself",
    (name, { flags, examples }) => {
      expect(new Set(flags).size).toBe(flags.length);
      for (const example of examples) {
        expect(example.startsWith(name)).toBe(true);
        const known = [...flags.map(formOf), ...Object.values(COMMON_FLAGS).map(({ form }) => form)].join(" ");
        for (const flag of example.match(/ --?[a-z-]+/g) ?? []) expect(known).toContain(flag.trim());
      }
    },
  );

  it("has every flag in some command", () => {
    const used = new Set(COMMANDS.flatMap(({ flags }) => flags.map(formOf)));
    expect(FROZEN_FLAGS.filter((form) => !used.has(form))).toEqual([]);
  });
});
