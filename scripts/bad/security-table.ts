/** @file The table of SECURITY.md: counts of the last full run, never written by hand. */

/** What `check-bad --json` prints. */
export interface BadReport {
  readonly passed: number;
  readonly failed: number;
  readonly failures: readonly { readonly violations: readonly string[] }[];
  readonly cases: readonly { readonly ms: number; readonly mib: number }[];
}

/** What `fuzz --json` prints. */
export interface FuzzReport {
  readonly seed: number;
  readonly seeds: number;
  readonly executions: number;
  readonly worstMs: number;
  readonly peakMib: number;
  readonly failures: readonly string[];
}

/** What `bench-limits --json` prints. */
export interface LimitsReport {
  readonly cases: readonly {
    readonly name: string;
    readonly ms: number;
    readonly mostMs: number;
    readonly mb: number;
    readonly mostMb: number;
  }[];
}

const BEGIN = "<!-- scoreboard -->";
const END = "<!-- end of scoreboard -->";
const INVARIANTS: readonly (readonly [name: string, what: string])[] = [
  ["verdict", "loads or is refused as expected"],
  ["I1", "exit code of the table, no crash"],
  ["I2", "one error that names file and element"],
  ["I3", "nothing written, nothing opened elsewhere"],
  ["I4", "time"],
  ["I5", "memory"],
  ["I6", "no child, connection or timer left"],
  ["I7", "the same text twice"],
  ["I8", "the same through the library"],
];

/** The document with its table replaced. @throws Error when the document has no place for one. */
export function withTable(document: string, bad: BadReport, limits: LimitsReport, fuzz: readonly FuzzReport[]): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`the document has no ${BEGIN} and ${END}`);
  return `${document.slice(0, begin + BEGIN.length)}\n\n${table(bad, limits, fuzz)}\n\n${document.slice(end)}`;
}

function table(
  { passed, failed, failures, cases }: BadReport,
  { cases: limits }: LimitsReport,
  fuzz: readonly FuzzReport[],
): string {
  const tried = passed + failed;
  const broken = (name: string): number =>
    failures.filter(({ violations }) => violations.some((line) => line.startsWith(`${name}:`))).length;
  const rows = [
    ["bad and odd models, all invariants", `${passed} of ${tried}`],
    ...INVARIANTS.map(([name, what]) => [`${name}: ${what}`, `${tried - broken(name)} of ${tried}`]),
    ["slowest bad model", `${Math.max(...cases.map(({ ms }) => ms))} ms`],
    ["largest bad model in memory", `${Math.max(...cases.map(({ mib }) => mib))} MiB`],
    ...limits.map(({ name, ms, mostMs, mb, mostMb }) => [name, `${ms} of ${mostMs} ms, ${mb} of ${mostMb} MB`]),
    ...fuzz.flatMap(({ seed, seeds, executions, failures: found, worstMs, peakMib }) => [
      [`mutated models, seed ${seed}, from ${seeds}`, `${executions}, ${found.length} failures`],
      [`slowest of them, memory of a process`, `${worstMs} ms, ${peakMib} MiB`],
    ]),
  ];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length), "figure".length));
  const line = (left: string, right: string): string => `| ${left.padEnd(widths[0]!)} | ${right.padEnd(widths[1]!)} |`;
  const rule = `| ${"-".repeat(widths[0]!)} | ${"-".repeat(widths[1]!)} |`;
  return [line("figure", "value"), rule, ...rows.map(([left, right]) => line(left!, right!))].join("\n");
}
