import { describe, expect, it } from "vitest";
import {
  formatBytes,
  formatCount,
  formatDifference,
  formatMs,
  formatShare,
  significant,
} from "../../../../runtime/report/format.js";
import { renderBar, renderList, renderTable, shorten } from "../../../../runtime/cli/render/table.js";
import { renderTimeline } from "../../../../runtime/cli/render/timeline.js";
import { lossLine, measuredBubble } from "../../../../runtime/cli/training-run.js";
import { golden } from "../../../support/golden.js";
import { NO_SHARES } from "../../../support/no-shares.js";

describe("format", () => {
  it.each([
    [formatMs(0.41234), "0.412 ms"],
    [formatMs(23.44), "23.4 ms"],
    [formatMs(1864), "1.86 s"],
    [formatMs(724_000), "12 min 4 s"],
    [formatBytes(512), "512 B"],
    [formatBytes(1536), "1.50 KiB"],
    [formatBytes(999 * 1024), "999 KiB"],
    [formatBytes(1000 * 1024), "0.977 MiB"],
    [formatCount(999), "999"],
    [formatCount(18_432), "18.4 k"],
    [formatCount(999_600), "1.00 M"],
    [formatShare(0.2731), "27.3 %"],
    [formatShare(0.00001), "0.001 %"],
    [formatDifference(88.1, 92.4), "+4.9 %"],
    [formatDifference(100, 90), "-10.0 %"],
    [formatDifference(1, 9.9), "+890.0 %"],
    [formatDifference(0.000102, 1.83), "17941 times"],
    [significant(0), "0"],
    [significant(3.1e-7), "3.1e-7"],
    [significant(12345), "12345"],
  ])("gives %s", (got, expected) => expect(got).toBe(expected));
});

describe("renderTable", () => {
  const columns = [
    { title: "name", flexible: true },
    { title: "bytes", align: "right" },
  ] as const;
  it("aligns", () => {
    expect(
      renderTable(
        columns,
        [
          ["a", "1"],
          ["bcdef", "1000"],
        ],
        80,
      ),
    ).toBe("name   bytes\na          1\nbcdef   1000\n");
  });

  it("shortens the flexible column to fit", () => {
    const lines = renderTable(columns, [["layer.0.attention.qkv.weight", "1000"]], 20).split("\n");
    expect(lines[1]).toBe("layer.…weight   1000");
  });

  it("keeps both ends of a name", () => expect(shorten("abcdefghij", 5)).toBe("ab…ij"));
  it("draws bars", () => expect(renderBar(0.5, 4)).toBe("██░░"));
  it("wraps lists", () => expect(renderList([["a", "one two three"]], 11)).toBe("a  one two\n   three\n"));
});

describe("renderTimeline", () => {
  const cell = (phase: "F" | "B" | "W", microbatch: number, startMs: number, endMs: number) => ({
    phase,
    microbatch,
    startMs,
    endMs,
  });
  const rows = [
    { label: "cpu0", cells: [cell("F", 0, 0, 10), cell("F", 1, 10, 20), cell("B", 0, 40, 60), cell("B", 1, 60, 80)] },
    { label: "cpu1", cells: [cell("F", 0, 10, 20), cell("B", 0, 20, 40), cell("F", 1, 40, 42), cell("W", 12, 42, 70)] },
  ];
  it("draws to scale", () => golden("cli/timeline.txt", renderTimeline(rows, 60, false)));

  it("paints without changing what is drawn", () => {
    const escape = String.fromCharCode(27);
    const painted = renderTimeline(rows, 60, true);
    expect(painted).toContain(escape);
    expect(painted.replaceAll(new RegExp(`${escape}\\[\\d+m`, "g"), "")).toBe(renderTimeline(rows, 60, false));
  });
});

describe("measured runs", () => {
  it("have a bubble between first start and last end", () => {
    const row = (startMs: number[], endMs: number[]) => ({
      startMs: Float64Array.from(startMs),
      endMs: Float64Array.from(endMs),
      stoodIn: [],
      updateEndMs: 0,
      shares: NO_SHARES,
      peakBytes: 0,
    });
    expect(measuredBubble([row([0, 30], [10, 40]), row([10], [30])])).toBeCloseTo(1 - 40 / 80, 12);
    expect(measuredBubble([])).toBe(0);
  });

  it("draw their losses", () => expect(lossLine([3, 2, 1], 10)).toBe("█▅▁"));
});
