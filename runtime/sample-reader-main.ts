/** @file What a run spawns to read its samples: opens the source, then fills slots as it is told. */
import type { ReaderStart, FromReader, SlotLayout, ToReader } from "./sample-reader-protocol.js";
import { slotLayout } from "./sample-reader-protocol.js";
import type { Dataset, Feeds } from "./dataset/dataset.js";
import { openDataset } from "./dataset/open.js";
import type { SharedMemory } from "./env/env.js";
import { connectParent } from "./env/parent.js";
import { sentError } from "./env/sent-error.js";
import { importUserModule } from "./env/user-module.js";

interface Opened {
  readonly dataset: Dataset;
  readonly layout: SlotLayout;
  readonly memory: SharedMemory;
}

const port = connectParent();
let opened: Opened | undefined;
let last = Promise.resolve();

port.onMessage((message) => {
  last = last
    .then(() => handle(message as ToReader))
    .catch((error: unknown) => answer({ kind: "failed", ...sentError(error) }));
});

async function handle(message: ToReader): Promise<void> {
  if (message.kind === "open") {
    opened = await open(message);
    const { samples, about, identity } = opened.dataset;
    answer({ kind: "opened", dataset: { samples, about, ...(identity ? { identity } : {}) } });
  } else if (message.kind === "read") {
    const { dataset, layout, memory } = opened!;
    put(await dataset.feeds(message.step, message.microbatch), layout, memory, message.slot);
    answer({ kind: "read" });
  } else {
    opened?.memory.close();
    port.leave();
  }
}

async function open({ source, inputs, seed, shuffle, microbatches, memory }: ReaderStart): Promise<Opened> {
  const options = { files: port.env.files, seed, shuffle, microbatches, loadModule: importUserModule };
  const dataset = await openDataset(source, inputs, options);
  return { dataset, layout: slotLayout(inputs), memory: port.env.memories.open(memory) };
}

function put(feeds: Feeds, { regions, bytes }: SlotLayout, memory: SharedMemory, slot: number): void {
  for (const [name, { offset, length }] of regions) {
    const tensor = feeds.get(name);
    if (tensor) memory.view(slot * bytes + offset, length).set(tensor);
  }
}

function answer(message: FromReader): void {
  port.send(message);
}
