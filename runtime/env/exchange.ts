/** @file Two names of the file system change places at once: renameat2(2) with RENAME_EXCHANGE, on Linux. */
import koffi from "koffi";
import { loadLibrary } from "./native.js";

const CURRENT_DIRECTORY = -100;
const RENAME_EXCHANGE = 2;

type Rename = (fromBase: number, from: string, toBase: number, to: string, flags: number) => number;
let rename: Rename | undefined;

/**
 * Exchanges two names of one file system.
 * @returns false where the system or the file system cannot do it; then nothing has changed.
 */
export function exchangeNames(one: string, other: string): boolean {
  if (process.platform !== "linux") return false;
  try {
    rename ??= loadLibrary(null).func("renameat2", "int", ["int", "str", "int", "str", "uint"]) as Rename;
  } catch {
    return false;
  }
  if (rename(CURRENT_DIRECTORY, one, CURRENT_DIRECTORY, other, RENAME_EXCHANGE) === 0) return true;
  const { EINVAL, ENOSYS } = koffi.os.errno;
  const code = koffi.errno();
  if (code === EINVAL || code === ENOSYS) return false;
  throw Object.assign(new Error(`renameat2 of ${one} and ${other} failed`), {
    code: nameOf(code),
    syscall: "renameat2",
  });
}

function nameOf(code: number): string {
  const found = Object.entries(koffi.os.errno).find(([, value]) => value === code);
  return found ? found[0] : `error ${code}`;
}
