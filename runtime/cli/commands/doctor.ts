/** @file `doctor`: what this machine has, what is missing, and how to get it. */
import { PipewrightError } from "../../../compiler/errors.js";
import { engineFor } from "../../engine/registry.js";
import { hostFacts } from "../../env/host.js";
import type { CommandBody } from "../command.js";
import { formatBytes } from "../../report/format.js";
import { renderTable } from "../render/table.js";

/** One line of the report. */
interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
  /** What to do when it is not. */
  readonly fix?: string;
}

const OLDEST_NODE = [20, 19] as const;
const FIRST_CLASS = ["linux x64", "linux arm64"];

/** Exit code 0 when pipewright can train here, 6 when the engine is missing. */
export const doctor: CommandBody = async ({ columns, env, version }) => {
  const host = hostFacts();
  const [major = 0, minor = 0] = host.node.split(".").map(Number);
  const system = `${host.platform} ${host.architecture}`;
  const engine = checkEngine();
  const checks: readonly Check[] = [
    { name: "pipewright", ok: true, found: version },
    {
      name: "Node.js",
      ok: major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]),
      found: host.node,
      fix: `install Node.js ${OLDEST_NODE.join(".")} or newer`,
    },
    {
      name: "system",
      ok: FIRST_CLASS.includes(system),
      found: system,
      fix: "devices run as threads instead of processes here",
    },
    { name: "processor", ok: true, found: `${host.cpu}, ${host.cores} cores` },
    { name: "memory", ok: true, found: formatBytes(host.memoryBytes) },
    engine,
    await checkSharedMemory(() => env.memories.create(64)),
    {
      name: "device kinds",
      ok: engine.ok,
      found: engine.ok ? "cpu" : "none",
      fix: "see the engine above",
    },
  ];
  const rows = checks.map(({ name, ok, found, fix }) => [
    ok ? "ok" : "no",
    name,
    ok || fix === undefined ? found : `${found}: ${fix}`,
  ]);
  const ready = engine.ok;
  const text = renderTable([{ title: "" }, { title: "what" }, { title: "found", flexible: true }], rows, columns);
  const next = ready ? "next: pipewright demo" : "pipewright can plan here, but not train";
  return {
    json: { ready, host, checks },
    text: `${text}\n${next}\n`,
    exitCode: ready ? 0 : new PipewrightError("FILE", "").exitCode,
  };
};

function checkEngine(): Check {
  try {
    const engine = engineFor({ kind: "cpu" });
    const found = engine.version;
    engine.close();
    return { name: "engine", ok: true, found };
  } catch (error) {
    if (!(error instanceof PipewrightError)) throw error;
    return { name: "engine", ok: false, found: error.message };
  }
}

async function checkSharedMemory(create: () => { close(): void }): Promise<Check> {
  try {
    create().close();
    return { name: "shared memory", ok: true, found: "works" };
  } catch (error) {
    if (!(error instanceof PipewrightError)) throw error;
    return { name: "shared memory", ok: false, found: error.message };
  }
}
