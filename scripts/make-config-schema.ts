/** @file Writes the JSON Schema of configuration files; a test compares. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { configSchema, SCHEMA_FILE } from "../runtime/cli/config-schema.js";

mkdirSync(dirname(SCHEMA_FILE), { recursive: true });
writeFileSync(SCHEMA_FILE, `${JSON.stringify(configSchema(), undefined, 2)}\n`);
console.log(`wrote ${SCHEMA_FILE}`);
