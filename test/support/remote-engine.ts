/** @file An engine whose tensors lie in memory of its own, as on a GPU: others see them after `push`, it sees theirs after `pull`. */
import type { Engine, SharedBuffer } from "../../runtime/engine/engine.js";
import { createOrtEngine } from "../../runtime/engine/ort/ort-engine.js";

/** The CPU engine, posing as a device that is reached by copies. */
export function remoteEngine(): Engine {
  const engine = createOrtEngine();
  const adopt = (memory: Uint8Array, type: SharedBuffer["type"]): SharedBuffer => {
    const buffer = engine.allocate(type);
    engine.write(buffer, memory);
    return Object.assign(buffer, {
      pull: () => {
        engine.write(buffer, memory);
      },
      push: () => {
        memory.set(engine.read(buffer));
      },
    });
  };
  return {
    kind: "webgpu",
    version: engine.version,
    load: (model) => engine.load(model),
    allocate: (type) => engine.allocate(type),
    adopt,
    write: (buffer, bytes) => {
      engine.write(buffer, bytes);
    },
    read: (buffer) => engine.read(buffer),
    copy: (from, to) => {
      engine.copy(from, to);
    },
    timeNodes: (...asked) => engine.timeNodes(...asked),
    get workspacePeakBytes() {
      return engine.workspacePeakBytes;
    },
    close: () => {
      engine.close();
    },
  };
}
