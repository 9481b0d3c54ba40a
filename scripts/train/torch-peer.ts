/** @file The same GPT under torch.distributed.pipelining with two ranks, driven step by step. */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { GptOptions } from "../../models/gpt.js";

const SCRIPT = fileURLToPath(new URL("./torch-peer.py", import.meta.url));

/** Layers of the first rank: with the embedding they cost as much as the last layer with its wide projection. */
const FIRST_LAYERS = 3;

/** Two Python processes that take steps together. */
export class TorchPeer {
  readonly version: string;
  readonly #ranks: readonly Rank[];

  private constructor(version: string, ranks: readonly Rank[]) {
    this.version = version;
    this.#ranks = ranks;
  }

  /** Requires: `python` can import torch. Rejects with what Python said when it cannot. */
  static async start(python: string, options: GptOptions, microbatches: number): Promise<TorchPeer> {
    const port = String(await freePort());
    const sizes = JSON.stringify({ ...options, microbatches, firstLayers: FIRST_LAYERS });
    const ranks = [0, 1].map((rank) => new Rank(python, [SCRIPT, String(rank), port, sizes]));
    const [first] = await Promise.all(ranks.map((rank) => rank.answer()));
    return new TorchPeer(first!.ready!, ranks);
  }

  /** Takes steps one right after the other. Returns the wall time of the last, ms. */
  async steps(count: number): Promise<number> {
    for (let step = 1; step < count; step++) await this.#step();
    return this.#step();
  }

  async #step(): Promise<number> {
    const startMs = performance.now();
    await Promise.all(this.#ranks.map((rank) => rank.ask()));
    return performance.now() - startMs;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#ranks.map((rank) => rank.stop()));
  }
}

interface Answer {
  readonly ready?: string;
}

class Rank {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #gone: Promise<void>;
  #complaints = "";

  constructor(python: string, args: readonly string[]) {
    this.#child = spawn(python, args, { env: { ...process.env, OMP_NUM_THREADS: "1" } });
    this.#gone = new Promise((resolve) => this.#child.on("close", () => resolve()).on("error", () => resolve()));
    this.#child.stderr.on("data", (text: Buffer) => (this.#complaints += text.toString()));
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  ask(): Promise<Answer> {
    this.#child.stdin.write("step\n");
    return this.answer();
  }

  async answer(): Promise<Answer> {
    const { value, done } = await this.#lines.next();
    if (!done) return JSON.parse(value) as Answer;
    await this.#gone;
    throw new Error(`the PyTorch peer ended: ${this.#complaints.trim().split("\n").at(-1) ?? "it did not start"}`);
  }

  async stop(): Promise<void> {
    this.#child.stdin.end();
    await this.#gone;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
