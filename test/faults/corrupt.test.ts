/** @file Damaged checkpoints: every one is refused, and the one before it is used. */
import { describe, expect, it } from "vitest";
import { RandomStream } from "../../compiler/random.js";
import { MANIFEST } from "../../runtime/checkpoint/manifest.js";
import { CheckpointStore } from "../../runtime/checkpoint/store.js";
import type { Files } from "../../runtime/env/env.js";
import { simulatedEnv } from "../support/simulated-env.js";
import { BELONGING, filesAt, ROOT } from "./sample-run.js";
import { report, sized } from "./size.js";

const NEWEST = `${ROOT}/step-0000000002`;
const OLDER = `${ROOT}/step-0000000001`;

/** A disk with two checkpoints of steps 1 and 2. */
async function twoCheckpoints(): Promise<{ readonly files: Files; readonly store: CheckpointStore }> {
  const { files } = simulatedEnv();
  const store = new CheckpointStore(files, ROOT);
  await store.open();
  for (const step of [1, 2]) await store.save(step, filesAt(step), BELONGING);
  return { files, store };
}

interface Damage {
  readonly name: string;
  apply(files: Files): Promise<void>;
}

const replaced = (name: string, edit: (bytes: Uint8Array) => Uint8Array | string): Damage["apply"] => {
  return async (files) => files.writeAtomic(`${NEWEST}/${name}`, edit((await files.read(`${NEWEST}/${name}`)).slice()));
};

/** Flipped bits at seeded places, every length that a file can be cut to, and what people and copies do. */
async function damages(flips: number, cuts: number): Promise<readonly Damage[]> {
  const { files } = await twoCheckpoints();
  const names = await files.list(NEWEST);
  const sizes = new Map(
    await Promise.all(names.map(async (name) => [name, await files.size(`${NEWEST}/${name}`)] as const)),
  );
  const stream = new RandomStream(1, "corrupt");
  const flipped = Array.from({ length: flips }, (_, at): Damage => {
    const name = names[at % names.length]!;
    const bit = stream.below(sizes.get(name)! * 8);
    const apply = replaced(name, (bytes) => {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      return bytes;
    });
    return { name: `bit ${bit} of ${name}`, apply };
  });
  const truncated = Array.from({ length: cuts }, (_, at): Damage => {
    const name = names[at % names.length]!;
    const length = stream.below(sizes.get(name)!);
    return { name: `${name} cut to ${length}`, apply: replaced(name, (bytes) => bytes.subarray(0, length)) };
  });
  const each = names.flatMap((name): readonly Damage[] => [
    { name: `${name} missing`, apply: (disk) => disk.remove(`${NEWEST}/${name}`) },
    { name: `${name} empty`, apply: replaced(name, () => "") },
    { name: `${name} one byte longer`, apply: replaced(name, (bytes) => Uint8Array.from([...bytes, 0])) },
    { name: `${name} zeroed`, apply: replaced(name, (bytes) => bytes.fill(0)) },
    {
      name: `${name} of the checkpoint before`,
      apply: async (disk) => disk.writeAtomic(`${NEWEST}/${name}`, await disk.read(`${OLDER}/${name}`)),
    },
  ]);
  const swapped: Damage = {
    name: "two files swapped",
    apply: async (disk) => {
      const [one, other] = [`${NEWEST}/parameters-0.safetensors`, `${NEWEST}/state0-0.safetensors`];
      const [first, second] = [await disk.read(one), await disk.read(other)];
      await disk.writeAtomic(one, second);
      await disk.writeAtomic(other, first);
    },
  };
  const extra: Damage = { name: "an extra file", apply: (disk) => disk.writeAtomic(`${NEWEST}/notes.txt`, "x") };
  const edited: Damage = {
    name: "an edited manifest",
    apply: replaced(MANIFEST, (bytes) => new TextDecoder().decode(bytes).replace('"step":2', '"step":3')),
  };
  const older: Damage = {
    name: "the checkpoint before under this name",
    apply: async (disk) => {
      for (const name of await disk.list(OLDER))
        await disk.writeAtomic(`${NEWEST}/${name}`, await disk.read(`${OLDER}/${name}`));
    },
  };
  return [...flipped, ...truncated, ...each, swapped, extra, edited, older];
}

describe("damaged checkpoints", () => {
  it("are refused with a reason, and the one before is used", async () => {
    const all = await damages(sized(200, 2_500), sized(50, 600));
    const accepted: string[] = [];
    for (const { name, apply } of all) {
      const { files, store } = await twoCheckpoints();
      await apply(files);
      const { checkpoint, refused } = await store.newest();
      if (checkpoint?.path !== OLDER || refused[0]?.path !== NEWEST) accepted.push(name);
      else expect(refused[0].reason).toContain(NEWEST);
    }
    report(`damaged checkpoints: ${all.length - accepted.length} of ${all.length} refused`);
    expect(accepted).toEqual([]);
    expect(all.length).toBeGreaterThanOrEqual(sized(250, 3_000));
  });
});
