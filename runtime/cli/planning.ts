/** @file From flags to a plan directory: what `demo`, `partition` and `train` share. */
import type { ClusterSpec } from "../../compiler/cluster.js";
import { CPU_CORE, SHARED_MEMORY_LINK } from "../../compiler/cluster.js";
import type { Compiled, CompileOptions, CutOptions } from "../../compiler/compile.js";
import { compile } from "../../compiler/compile.js";
import { SEARCHED_SCHEDULES } from "../../compiler/planning/candidate.js";
import type { Attempt } from "../../compiler/planning/attempt.js";
import type { Why } from "../../compiler/planning/why.js";
import { whyOf } from "../../compiler/planning/why.js";
import { PipewrightError } from "../../compiler/errors.js";
import type { Graph } from "../../compiler/ir/graph.js";
import { isFloat } from "../../compiler/ir/literal.js";
import type { LossSpec } from "../../compiler/loss/spec.js";
import { DEFAULT_TARGET, formatLoss } from "../../compiler/loss/spec.js";
import { MEMORY_WEIGHTS } from "../../compiler/partition/comparison/methods.js";
import type { Plan } from "../../compiler/plan/plan.js";
import { scheduleEntry } from "../../compiler/schedule/registry.js";
import { engineFor } from "../engine/registry.js";
import type { Env } from "../env/env.js";
import { hostFacts } from "../env/host.js";
import { readRemains } from "../external-remains.js";
import { concurrencyOf, measureProfile } from "../measure.js";
import type { LoadedModel } from "../model-file.js";
import { startValues } from "../model-file.js";
import { PLAN_FILES, writePlan } from "../plan/directory.js";
import type { StartValues } from "../plan/start-values.js";
import { startBytes } from "../plan/start-values.js";
import { readProfile } from "../profile-file.js";
import type { SearchAttempt } from "../report/search-record.js";
import { searchJson } from "../report/search-record.js";
import { SolverLog } from "../report/solver-log.js";
import { threadedHighs } from "../solver/highs-thread.js";
import { DEFAULTS } from "./defaults.js";
import type { FlagValues } from "./flags.js";
import type { DeviceRequest } from "./parse/devices.js";
import { parseDevices } from "./parse/devices.js";
import type { Progress } from "./progress.js";
import { optimizerOf, trainingChoices } from "./training-flags.js";
import { profileTurns, turns } from "./turns.js";
import { formatMs, formatShare, profileText } from "../report/format.js";

const DEFAULT_REPEAT = 10;
/** The phases that `makePlan` reports. read-model.ts reports "read". */
export const PLANNING_PHASES = ["profile", "partition", "write"] as const;

/** Passes that the search for a plan may begin with. */
const SOLVING: ReadonlySet<string> = new Set(["least memory", "schedule", "draft"]);

/** Values of --schedule that are no names of schedules. */
const SEARCHED: ReadonlySet<string> = new Set(["auto", ...SEARCHED_SCHEDULES]);

/** A plan on disk. */
export interface Planned {
  readonly plan: Plan;
  readonly compiled: Compiled;
  readonly directory: string;
  /** Time of partition and schedule, all candidates together. */
  readonly solveMs: number;
  readonly why: Why;
}

/** Devices and link of the flags. @throws USAGE for a kind that no engine drives. */
export function clusterOf(requests: readonly DeviceRequest[], link: FlagValues["link"]): ClusterSpec {
  const devices = requests.map(({ name, kind, memoryBytes, speed = 1 }) => {
    const rates = {
      flopsPerMs: CPU_CORE.flopsPerMs * speed,
      memoryBytesPerMs: CPU_CORE.memoryBytesPerMs * speed,
    };
    if (kind === "cpu") return { ...CPU_CORE, ...rates, name, ...(memoryBytes === undefined ? {} : { memoryBytes }) };
    throw new PipewrightError("USAGE", `--devices: no engine drives ${kind} here; expected cpu. Use cpu devices.`, {
      kind,
    });
  });
  const links = link?.links ?? [];
  const stray = links.flatMap(({ from, to }) => [from, to]).find((device) => device >= devices.length);
  if (stray !== undefined)
    throw new PipewrightError(
      "USAGE",
      `--link: there is no device ${stray}; got ${devices.length} devices, expected places from 0 to ${devices.length - 1}.`,
    );
  return { devices, link: link?.link ?? SHARED_MEMORY_LINK, ...(links.length > 0 ? { links } : {}) };
}

/**
 * Profiles, cuts and schedules a model as the flags say, and writes the plan. A signal ends the search with the best so
 * far. @throws INTERRUPTED for a signal before the search, with nothing written.
 */
export async function makePlan(
  env: Env,
  progress: Progress,
  model: LoadedModel,
  flags: FlagValues,
  directory: string,
  signal?: AbortSignal,
): Promise<Planned> {
  if (flags.schedule !== undefined && !SEARCHED.has(flags.schedule)) scheduleEntry(flags.schedule);
  if (await holdsPlan(env, directory)) progress.note(`the plan that was in ${directory} is replaced`);
  const requests = flags.devices ?? parseDevices(DEFAULTS.devices);
  const solver = threadedHighs({ signal });
  const weights = startValues(env, model);
  const loss = flags.loss ?? assumedLoss(model.graph);
  const assumed = flags.loss === undefined && loss.length > 0 ? `, assuming --loss ${loss.map(formatLoss).join()}` : "";
  const faults: string[] = [];
  progress.begin("profile");
  let profiled = "estimated";
  let solveStartMs: number | undefined;
  const attempts: SearchAttempt[] = [];
  const log = new SolverLog();
  const sinceStart = (): number => env.clock.nowMs() - (solveStartMs ?? env.clock.nowMs());
  /** Pins count stages, so their number is not searched then. */
  const stagesPerDevice = flags.stagesPerDevice ?? (flags.pin === undefined ? undefined : 1);
  const options: CompileOptions = {
    cluster: clusterOf(requests, flags.link),
    pipeline: {
      schedule: flags.schedule ?? DEFAULTS.schedule,
      microbatches: flags.microbatches ?? 2 * requests.length,
      ...(stagesPerDevice === undefined ? {} : { stagesPerDevice }),
      ...(flags.window === undefined ? {} : { window: flags.window }),
      ...(flags.maxInFlight === undefined ? {} : { maxInFlight: flags.maxInFlight }),
      ...(flags.recompute === undefined ? {} : { recompute: flags.recompute }),
    },
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
    training: { loss, ...trainingChoices(flags) },
    optimizer: optimizerOf(flags),
    partition: {
      ...cuttingOf(flags),
      model: "direct",
      solver,
      onFault: (fault) => faults.push(fault),
      onIncumbent: (found) => {
        const { bottleneckMs, boundMs, gap, method } = found;
        log.hear(found, sinceStart());
        progress.incumbent({ bottleneckMs, boundMs, gap, method });
      },
      ...(signal ? { cancelled: () => signal.aborted, pause: turns(env.clock) } : {}),
      ...(flags.gap === undefined ? {} : { gap: flags.gap }),
      ...(flags.timeLimit === undefined ? {} : { timeLimitMs: flags.timeLimit, nowMs: env.clock.nowMs }),
    },
    profile: profileSource(env, flags, weights, (text) => (profiled = text), signal),
    onAttempt: (attempt) => {
      const told = searchAttempt(attempt);
      const endMs = sinceStart();
      attempts.push({ ...told, endMs, course: log.courseOf(told, endMs) });
      progress.tried({ schedule: told.schedule, status: told.status, stepMs: told.makespanMs });
    },
    onPass: (pass) => {
      if (!SOLVING.has(pass) || solveStartMs !== undefined) return;
      progress.end(`${profiled}${assumed}`);
      progress.begin("partition");
      solveStartMs = env.clock.nowMs();
    },
  };
  try {
    const compiled = await compile(model, options);
    const solveMs = env.clock.nowMs() - solveStartMs!;
    progress.end(`${headline(compiled.plan)}${faults.map((fault) => `; solver fault: ${fault}`).join("")}`);
    progress.begin("write");
    const external = await readRemains(env, model);
    const contents = { ...compiled, weights, model: model.bytes, search: searchJson(attempts) };
    const plan = await writePlan(env, directory, external ? { ...contents, external } : contents);
    progress.end(directory);
    const why = await whyOf(compiled.subject, compiled.placed, options.pipeline);
    return { plan, compiled, directory, solveMs, why };
  } finally {
    await solver.close();
  }
}

/** How to cut, and the user's decisions on it. @throws USAGE for flags that the method does not look at. */
function cuttingOf({ method, optimize, memoryWeight, pin, together, uncut }: FlagValues): Partial<CutOptions> {
  if (method !== "smp" && (optimize !== undefined || memoryWeight !== undefined))
    throw new PipewrightError(
      "USAGE",
      "--optimize and --memory-weight: they are for --method smp; add it or leave them.",
    );
  if (optimize !== undefined && memoryWeight !== undefined)
    throw new PipewrightError("USAGE", "--optimize and --memory-weight: both say the same; give one.");
  return {
    ...(method === undefined ? {} : { method }),
    ...(method === "smp" ? { memoryWeight: memoryWeight ?? MEMORY_WEIGHTS[optimize ?? "memory"] } : {}),
    steering: {
      ...(pin === undefined ? {} : { pins: pin }),
      ...(together === undefined ? {} : { together }),
      ...(uncut === undefined ? {} : { uncut }),
    },
  };
}

/**
 * The loss when none is given: the model's own scalar (an empty list), else the mean squared error of its only float
 * output, which costs what any loss on it would. The caller says so aloud; other models need `--loss`.
 */
function assumedLoss({ outputs }: Graph): readonly LossSpec[] {
  const floats = outputs.filter(({ type }) => isFloat(type.dtype));
  const [only] = floats;
  if (floats.length !== 1 || only!.type.shape.length === 0) return [];
  return [{ kind: "mse", output: only!.name, target: DEFAULT_TARGET, weight: 1 }];
}

/** What search.json keeps of a candidate. */
function searchAttempt({ candidate, status, makespanMs, placed }: Attempt): Omit<SearchAttempt, "endMs"> {
  const { schedule, stagesPerDevice, recompute } = candidate;
  const { bottleneckMs, boundMs, gap } = placed?.certificate ?? {};
  return {
    schedule,
    stagesPerDevice,
    recompute: recompute === "none" ? undefined : recompute,
    solver: placed?.draft.cut.solver ?? "",
    status,
    bottleneckMs,
    boundMs,
    gap,
    makespanMs: makespanMs === Infinity ? undefined : makespanMs,
  };
}

/** Where costs come from. `tell` gets what there is to say of a profile that was measured or read. */
function profileSource(
  env: Env,
  flags: FlagValues,
  weights: StartValues,
  tell: (text: string) => void,
  signal: AbortSignal | undefined,
): CompileOptions["profile"] {
  if (flags.analytic) return "analytic";
  const { profile } = flags;
  return async (graph, device, cluster) => {
    const concurrency = concurrencyOf(cluster, device, hostFacts().cores);
    if (profile !== undefined) {
      const read = await readProfile(env, profile, graph);
      const isOther = read.source === "measured" && (read.concurrency ?? 1) !== concurrency;
      tell(`read from ${profile}: ${profileText(read)}${isOther ? `, where ${concurrency} will compute` : ""}`);
      return read;
    }
    const engine = engineFor(device);
    try {
      const bytes = new Map<string, Uint8Array>();
      for (const [name, value] of weights) bytes.set(name, await startBytes(value));
      const measured = await measureProfile(graph, engine, {
        repeat: flags.repeat ?? DEFAULT_REPEAT,
        clock: env.clock,
        concurrency,
        turn: profileTurns(env.clock, signal),
        weights: bytes,
        optimizer: optimizerOf(flags),
      });
      tell(profileText(measured));
      return measured;
    } finally {
      engine.close();
    }
  };
}

/** A plan takes the place of a plan only. @throws USAGE for a directory with anything else. */
async function holdsPlan({ files }: Env, directory: string): Promise<boolean> {
  if (!(await files.exists(directory))) return false;
  if (await files.exists(`${directory}/${PLAN_FILES.plan}`)) return true;
  const entries = await files.list(directory);
  if (entries.length === 0) return false;
  throw new PipewrightError(
    "USAGE",
    `plan ${directory}: the directory holds other files and no plan; got ${entries.slice(0, 3).join(", ")}. Name another directory.`,
  );
}

function headline({ partition: { certificate }, schedule, stages }: Omit<Plan, "files">): string {
  const { bottleneckMs, gap } = certificate;
  return `${stages.length} stages, ${schedule.name}, bottleneck ${formatMs(bottleneckMs)}, gap ${formatShare(gap)}`;
}
