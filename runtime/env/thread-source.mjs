/** @file First module of a worker thread when the runtime runs from TypeScript sources: loads tsx, then the module it is given. */
import process from "node:process";
import { register } from "tsx/esm/api";

register();
await import(process.argv[2]);
