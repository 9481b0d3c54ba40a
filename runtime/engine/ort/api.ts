/** @file ONNX Runtime's C API as three calls: check, create, release. */
import koffi from "koffi";
import { invariant } from "../../../compiler/errors.js";
import { loadLibrary } from "../../env/native.js";
import { API_VERSION, FUNCTIONS, GET_ERROR_MESSAGE, GET_KEY_VALUE, RELEASES, TABLE_LENGTH } from "./functions.js";
import type { FunctionName, Parameter, ReleaseName } from "./functions.js";
import { libraryPath, missingLibrary } from "./library.js";

/** Address of something that the library owns, or null. */
export type Handle = bigint;

/** What the functions take: addresses, memory that outlives the call, numbers, text, and cells for results. */
export type Argument = Handle | null | number | string | NodeJS.TypedArray | Cell;
type Cell = [Handle | number | null];
type Native = ((...args: Argument[]) => Handle | null) & {
  async(...args: [...Argument[], (error: Error | null, status: Handle | null) => void]): void;
};

/** A reason that the library gave for refusing. */
export class OrtError extends Error {}

/** The table of functions, bound once per thread. */
export interface OrtApi {
  /** Version of the library, such as "1.30.0". */
  readonly version: string;
  /** Calls a function. @throws OrtError. */
  check(name: FunctionName, ...args: readonly Argument[]): void;
  /** Calls a function on a thread of the pool. Rejects with OrtError. */
  checkAsync(name: FunctionName, ...args: readonly Argument[]): Promise<void>;
  /** Calls a function whose last parameter receives a handle, and gives that. @throws OrtError. */
  create(name: FunctionName, ...args: readonly Argument[]): Handle;
  /** Calls a function whose last parameter receives a number, and gives that. @throws OrtError. */
  count(name: FunctionName, ...args: readonly Argument[]): number;
  release(name: ReleaseName, handle: Handle): void;
  /** The value of a key of an OrtKeyValuePairs; null if it has none. */
  valueOf(pairs: Handle, key: string): string | null;
}

const TYPES: Readonly<Record<Parameter, () => Parameters<typeof koffi.proto>[0]>> = {
  pointer: () => "void *",
  int: () => "int",
  size: () => "size_t",
  text: () => "str",
  path: () => (process.platform === "win32" ? "str16" : "str"),
  out: () => koffi.out(koffi.pointer("void *")) as never,
  count: () => koffi.out(koffi.pointer("size_t")) as never,
};

/** What the library's checks put in front of a reason: its own source file, line and condition. */
const SOURCE_PLACE = /^\S*onnxruntime\S*:\d+ .* was false\. /;

let bound: OrtApi | undefined;

/**
 * The library's functions; loads the library at the first call on a thread.
 * @throws PipewrightError FILE when the library is missing, does not load or is too old.
 */
export function ortApi(): OrtApi {
  return (bound ??= bindApi(libraryPath()));
}

function bindApi(path: string): OrtApi {
  const [getApi, getVersion] = baseFunctions(path);
  const version = koffi.call(getVersion, koffi.proto("str", [])) as string;
  const api = koffi.call(getApi, koffi.proto("void *", ["uint32_t"]), API_VERSION) as Handle | null;
  if (api === null) throw missingLibrary(`it is version ${version}, expected 1.${API_VERSION} or newer`);
  const table = koffi.decode(api, "uintptr_t", TABLE_LENGTH) as readonly (number | bigint)[];
  const native = (place: number, result: string, takes: readonly Parameter[]): Native =>
    koffi.decode(
      BigInt(table[place]!),
      koffi.proto(result, takes.map((parameter) => TYPES[parameter]()) as never),
    ) as Native;

  const functions = new Map<FunctionName, Native>();
  for (const [name, { place, takes }] of Object.entries(FUNCTIONS)) {
    functions.set(name as FunctionName, native(place, "void *", takes));
  }
  const releases = new Map<ReleaseName, Native>();
  for (const [name, place] of Object.entries(RELEASES)) {
    releases.set(name as ReleaseName, native(place, "void", ["pointer"]));
  }
  const message = native(GET_ERROR_MESSAGE, "str", ["pointer"]) as unknown as (status: Handle) => string;
  const valueOf = native(GET_KEY_VALUE, "str", ["pointer", "text"]) as unknown as OrtApi["valueOf"];
  const release = (name: ReleaseName, handle: Handle): void => {
    releases.get(name)!(handle);
  };
  const refusal = (status: Handle): OrtError => {
    const reason = message(status)
      .replace(SOURCE_PLACE, "")
      .replace(/\s+/g, " ")
      .replace(/[.\s]+$/, "");
    release("ReleaseStatus", status);
    return new OrtError(reason);
  };
  const check = (name: FunctionName, ...args: readonly Argument[]): void => {
    const status = functions.get(name)!(...args);
    if (status !== null) throw refusal(status);
  };

  return {
    version,
    check,
    release,
    valueOf,
    checkAsync: (name, ...args) =>
      new Promise((resolve, reject) => {
        functions.get(name)!.async(...args, (error, status) => {
          if (error) reject(error);
          else if (status !== null) reject(refusal(status));
          else resolve();
        });
      }),
    create: (name, ...args) => {
      const cell: Cell = [null];
      check(name, ...args, cell);
      invariant(typeof cell[0] === "bigint", `${name} gave no handle`);
      return cell[0];
    },
    count: (name, ...args) => {
      const cell: Cell = [null];
      check(name, ...args, cell);
      return Number(cell[0]);
    },
  };
}

/** The two members of OrtApiBase: GetApi and GetVersionString. */
function baseFunctions(path: string): readonly [Handle, Handle] {
  try {
    const base = loadLibrary(path).func("OrtGetApiBase", "void *", [])() as Handle;
    const [getApi, getVersion] = koffi.decode(base, "uintptr_t", 2) as [number | bigint, number | bigint];
    return [BigInt(getApi), BigInt(getVersion)];
  } catch (error) {
    throw missingLibrary(error instanceof Error ? error.message : String(error));
  }
}
