/** @file The env contract against every Env of the runtime. */
import { describe } from "vitest";
import { nodeEnv } from "../../runtime/env/node.js";
import { threadEnv } from "../../runtime/env/thread.js";
import { simulatedEnv } from "../support/simulated-env.js";
import { childrenContract, clockContract, filesContract, memoryContract } from "./env.contract.js";

describe("nodeEnv", () => {
  const { files, clock } = nodeEnv();
  filesContract(async () => ({ files, directory: await files.temporaryDirectory() }));
  clockContract(() => clock);
});

const hasProcesses = process.platform === "linux" && ["x64", "arm64"].includes(process.arch);
describe.runIf(hasProcesses)("nodeEnv: processes (Linux)", () => {
  memoryContract(nodeEnv);
  childrenContract(nodeEnv);
});

describe("threadEnv", () => {
  memoryContract(threadEnv);
  childrenContract(threadEnv);
});

describe("simulatedEnv", () => {
  memoryContract(() => simulatedEnv());
  const { files, clock } = simulatedEnv();
  filesContract(async () => ({ files, directory: await files.temporaryDirectory() }));
  clockContract(() => clock);
});
