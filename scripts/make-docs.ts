/** @file Writes the generated pages of the documentation; a test compares. */
import { writeFileSync } from "node:fs";
import { commandReference, configurationReference } from "./docs/reference.js";

writeFileSync("docs/reference/commands.md", await commandReference());
writeFileSync("docs/reference/configuration.md", configurationReference());
