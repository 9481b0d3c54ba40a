/** @file First module of a worker thread when the runtime runs from TypeScript sources. The build has no use for it. */
import { register } from "tsx/esm/api";

register();
await import("./thread-main.ts");
