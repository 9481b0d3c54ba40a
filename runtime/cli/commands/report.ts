/** @file `report`: a plan and its last run as one page that opens in any browser and loads nothing. */
import { formatBytes } from "../../report/format.js";
import { REPORT_FILE, writeReport } from "../../report/page.js";
import type { CommandBody } from "../command.js";
import { limitsOf } from "../read-model.js";

/** Requires: the argument is a plan directory. */
export const report: CommandBody = async ({ env }, directory, flags) => {
  const path = flags.out ?? `${directory}/${REPORT_FILE}`;
  const bytes = await writeReport(env, directory, path, limitsOf(flags));
  return {
    json: { plan: directory, report: path, bytes },
    text: `wrote ${path}, ${formatBytes(bytes)}\nnext: open it in a browser\n`,
  };
};
