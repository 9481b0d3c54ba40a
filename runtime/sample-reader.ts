/**
 * @file A dataset that another process reads: requests go out, samples come back through slots of shared memory. Who
 * asks for the steps to come keeps the reader busy while steps run; the slots bound how far it gets ahead.
 */
import type { SampleSource, FromReader, SlotLayout, ToReader } from "./sample-reader-protocol.js";
import { slotLayout } from "./sample-reader-protocol.js";
import type { Dataset, Feeds } from "./dataset/dataset.js";
import type { Child, Env, SharedMemory } from "./env/env.js";
import { moduleUrl } from "./env/module-loader.js";
import { receivedError } from "./env/sent-error.js";

const ENTRY = moduleUrl("./sample-reader-main.js", import.meta.url);

/** How long the reader may take to go by itself before it is killed. */
const STOP_MS = 2_000;

/** A dataset whose process is ended by `close`. */
export interface RemoteDataset extends Dataset {
  close(): Promise<void>;
}

/**
 * Opens a source in a process of its own.
 *
 * Requires: of the feeds that `feeds` gave, those of the last `depth` + 1 steps are in use at most; older ones are
 * overwritten.
 * @throws what opening the source throws; TRAINING_FAULT when the process does not start.
 */
export async function openInProcess(env: Env, source: SampleSource, depth: number): Promise<RemoteDataset> {
  const layout = slotLayout(source.inputs);
  const slots = (depth + 1) * source.microbatches;
  const memory = env.memories.create(Math.max(1, slots * layout.bytes));
  const reader = new Reader(env.processes.spawn(ENTRY, undefined));
  const close = async (): Promise<void> => {
    reader.tell({ kind: "stop" });
    await Promise.race([reader.gone, env.clock.sleep(STOP_MS)]);
    reader.kill();
    await reader.gone;
    memory.close();
  };
  try {
    const answer = await reader.ask({ ...source, kind: "open", memory: memory.name });
    const { dataset } = answer as Extract<FromReader, { kind: "opened" }>;
    const feeds = async (step: number, microbatch: number): Promise<Feeds> => {
      const slot = (step * source.microbatches + microbatch) % slots;
      await reader.ask({ kind: "read", step, microbatch, slot });
      return slotFeeds(memory, layout, slot);
    };
    return { ...dataset, feeds, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function slotFeeds(memory: SharedMemory, { regions, bytes }: SlotLayout, slot: number): Feeds {
  return new Map([...regions].map(([name, { offset, length }]) => [name, memory.view(slot * bytes + offset, length)]));
}

/** The process, asked in order: answers come in the order of the questions. */
class Reader {
  readonly gone: Promise<void>;
  readonly #child: Child;
  readonly #waiting: ((answer: FromReader) => void)[] = [];
  #lost: FromReader | undefined;

  constructor(child: Child) {
    this.#child = child;
    child.onMessage((message) => this.#waiting.shift()?.(message as FromReader));
    this.gone = new Promise((resolve) => {
      child.onExit(({ code, signal }) => {
        const how = signal ? `was killed by ${signal}` : `ended with exit code ${code ?? "none: it did not start"}`;
        const message = `data: the process that reads samples ${how}. Training stopped; run it again.`;
        this.#lost = { kind: "failed", message, code: "TRAINING_FAULT" };
        for (const answer of this.#waiting.splice(0)) answer(this.#lost);
        resolve();
      });
    });
  }

  tell(message: ToReader): void {
    if (!this.#lost) this.#child.send(message);
  }

  kill(): void {
    this.#child.kill();
  }

  /** @throws the error that the process answers with. */
  async ask(message: ToReader): Promise<FromReader> {
    const answer = await new Promise<FromReader>((resolve) => {
      if (this.#lost) return resolve(this.#lost);
      this.#waiting.push(resolve);
      this.#child.send(message);
    });
    if (answer.kind === "failed") throw receivedError(answer);
    return answer;
  }
}
