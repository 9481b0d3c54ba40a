/** @file One import of hostile bytes, judged: anything but a graph or a PipewrightError, or too slow, is a failure. */
import { PipewrightError } from "../../compiler/errors.js";
import { importModel } from "../../compiler/onnx/import.js";

/** Longest that an import of a few kilobytes may take. */
const MOST_MS = 250;
const REPEATS = 3;
const MINIMISE_TRIES = 300;

/**
 * What is wrong with the import of these bytes; undefined when nothing is. `ms` is the best of up to three runs.
 * `edit` says what makes the graph illegal, if that is known: then it must be refused.
 */
export function attempt(
  bytes: Uint8Array,
  edit?: string,
): { readonly failure: string | undefined; readonly ms: number } {
  let ms = Infinity;
  for (let repeat = 0; repeat < REPEATS && ms > MOST_MS; repeat++) {
    const startMs = performance.now();
    try {
      importModel(bytes);
      if (edit !== undefined) return { failure: `accepted: it ${edit}`, ms: performance.now() - startMs };
    } catch (error) {
      if (!(error instanceof PipewrightError)) return { failure: reasonOf(error), ms: performance.now() - startMs };
    }
    ms = Math.min(ms, performance.now() - startMs);
  }
  return { failure: ms > MOST_MS ? `slower than ${MOST_MS} ms` : undefined, ms };
}

/** Shorter bytes that fail in the same way: parts are cut out while that holds. Cost: at most 300 imports. */
export function minimised(bytes: Uint8Array, failure: string, edit?: string): Uint8Array {
  let best = bytes;
  let tries = 0;
  for (let size = best.length >> 1; size >= 1 && tries < MINIMISE_TRIES; size >>= 1) {
    for (let at = 0; at < best.length && tries < MINIMISE_TRIES; tries++) {
      const shorter = Uint8Array.from([...best.subarray(0, at), ...best.subarray(at + size)]);
      if (attempt(shorter, edit).failure === failure) best = shorter;
      else at += size;
    }
  }
  return best;
}

/** The first line of an error and where it was thrown, without paths of this machine. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const place = /(?:compiler|runtime)\/[\w/.-]+:\d+/.exec(error.stack ?? "")?.[0] ?? "";
  return `${error.name}: ${error.message.split("\n")[0]!.slice(0, 120)} at ${place}`;
}
