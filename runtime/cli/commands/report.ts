/** @file `report`: a plan and its last run as one page that opens in any browser and loads nothing. */
import { formatBytes } from "../../report/format.js";
import { REPORT_FILE, writeReport } from "../../report/page.js";
import type { CommandBody } from "../command.js";

/** Requires: the argument is a plan directory. */
export const report: CommandBody = async ({ env }, directory, { out }) => {
  const path = out ?? `${directory}/${REPORT_FILE}`;
  const bytes = await writeReport(env, directory, path);
  return {
    json: { plan: directory, report: path, bytes },
    text: `wrote ${path}, ${formatBytes(bytes)}\nnext: open it in a browser\n`,
  };
};
