/** @file First module of an isolated thread when the runtime runs from TypeScript sources. The build has no use for it. */
import { register } from "tsx/esm/api";

register();
await import("./isolated-main.ts");
