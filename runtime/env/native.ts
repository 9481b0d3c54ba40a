/** @file Loading native libraries. The only importer of koffi's loader, because stacks must be sized before the first load. */
import koffi from "koffi";
import type { LibraryHandle } from "koffi";

/** Graph libraries recurse deeply and koffi runs calls on stacks of its own; its default for asynchronous calls is 128 KiB. */
const STACK_BYTES = 8 << 20;

/** koffi unloads a library when its handle is collected, even while functions decoded from its addresses are in use. */
const loaded = new Map<string | null, LibraryHandle>();

/**
 * A shared library, loaded at the first call on a thread and kept. `null` stands for the running process itself, which
 * has the C library.
 * @throws an Error with the loader's reason.
 */
export function loadLibrary(path: string | null): LibraryHandle {
  let library = loaded.get(path);
  if (library) return library;
  if (loaded.size === 0) koffi.config({ sync_stack_size: STACK_BYTES, async_stack_size: STACK_BYTES });
  library = koffi.load(path);
  loaded.set(path, library);
  return library;
}
