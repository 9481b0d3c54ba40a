/** @file A program that saves checkpoints on a real disk and says which are safe: what faults of the system are put into. */
import { CheckpointStore } from "../../runtime/checkpoint/store.js";
import { nodeFiles } from "../../runtime/env/node-files.js";
import { BELONGING, filesAt } from "./sample-run.js";

const [root = "", steps = "3"] = process.argv.slice(2);
const store = new CheckpointStore(nodeFiles(), root);
const attempt = async (step: number, work: () => Promise<unknown>): Promise<boolean> => {
  try {
    await work();
    return true;
  } catch (error) {
    process.stdout.write(`FAILED ${step} ${(error as Error).message}\n`);
    return false;
  }
};

let isOpen = false;
for (let step = 1; step <= Number(steps); step++) {
  isOpen ||= await attempt(step, () => store.open());
  if (!isOpen || !(await attempt(step, () => store.save(step, filesAt(step), BELONGING)))) continue;
  process.stdout.write(`SAVED ${step}\n`);
  await attempt(step, () => store.retain(2));
}
// Node's own end is left out: it does not come when the sync of its output fails, which is a fault put in like others.
process.kill(process.pid, "SIGKILL");
