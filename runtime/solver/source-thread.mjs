/** @file First module of a solver thread when we run from TypeScript sources: loads tsx, then the module it is given. */
import { workerData } from "node:worker_threads";
import { register } from "tsx/esm/api";

register();
await import(workerData);
