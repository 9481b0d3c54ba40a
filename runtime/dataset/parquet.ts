/** @file Parquet tables: decoded in a thread that is ended when damaged bytes keep it busy or fill its memory. */
import type { IsolatedLimits } from "../env/isolated.js";
import { IsolatedLoss, runIsolated } from "../env/isolated.js";
import type { FileArrays } from "./array.js";
import { broken } from "./array.js";
import type { ParquetSource } from "./parquet-table.js";

const DECODER = new URL("./parquet-table.js", import.meta.url).href;

/** Reads all columns. @throws ARTEFACT_MISMATCH naming `file` and the column, LIMIT_EXCEEDED past `limitBytes` of elements. */
export async function readParquet(
  file: string,
  bytes: Uint8Array,
  limitBytes: number,
  limits: IsolatedLimits = limitsFor(bytes.length),
): Promise<FileArrays> {
  try {
    return (await runIsolated(DECODER, { file, bytes, limitBytes } satisfies ParquetSource, limits)) as FileArrays;
  } catch (error) {
    if (error instanceof IsolatedLoss) throw broken(file, `not a readable Parquet file; ${error.message}.`);
    throw error;
  }
}

/** Far above what undamaged files need: a second and 64 MiB per MiB of the file, besides ten seconds and a GiB. */
function limitsFor(bytes: number): IsolatedLimits {
  const mib = Math.ceil(bytes / 2 ** 20);
  return { patienceMs: 10_000 + 1_000 * mib, heapMiB: 1_024 + 64 * mib };
}
