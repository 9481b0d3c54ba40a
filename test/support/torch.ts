/** @file The Python with torch that tests of exports use, if there is one. */
import { execFileSync } from "node:child_process";

/** The interpreter that the environment names, or the usual one. */
export const PYTHON = process.env["PIPEWRIGHT_PYTHON"] ?? "python3";
const PROBE =
  "import torch; from torch.distributed.pipelining.schedules import _PipelineScheduleRuntime; print(torch.__version__)";

/** Version of torch, or why there is none. `modules` must be there too. */
export function torchVersion(...modules: readonly string[]): { readonly version?: string; readonly missing?: string } {
  try {
    const imports = modules.map((name) => `import ${name}; `).join("");
    const version = execFileSync(PYTHON, ["-c", imports + PROBE], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
    const [major, minor] = version.split(".").map(Number);
    return major! > 2 || (major === 2 && minor! >= 4) ? { version } : { missing: `torch ${version} is older than 2.4` };
  } catch {
    const all = ["torch with pipelining", ...modules].join(", ");
    return { missing: `${PYTHON} lacks one of ${all}` };
  }
}

/** Says aloud what is not tested. */
export function sayMissing(missing: string | undefined, what: string): void {
  if (missing === undefined) return;
  process.stderr.write(
    `skipped: ${missing}; set PIPEWRIGHT_PYTHON to a Python with torch 2.4 or newer to run ${what}\n`,
  );
}
