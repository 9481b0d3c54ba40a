/** @file The process in which one architecture is measured: its path without ending in, one JSON document out. */
import { measureArchitecture } from "./architecture.js";

const peakBytes = (): number => process.resourceUsage().maxRSS * 1024;
const processorMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
const found = await measureArchitecture(process.argv[2]!, processorMs, peakBytes);
console.log(JSON.stringify(found));
