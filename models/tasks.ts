/** @file Training samples made in code that the models of this folder learn within tens of steps. All are seeded. */
import { permutation, RandomStream } from "../compiler/random.js";

/** Tensors of one microbatch by input name, dense and row-major, in the machine's byte order. */
export type TaskFeeds = ReadonlyMap<string, Uint8Array>;

/** An endless source of samples. `feeds` depends on its arguments and the seed only, in any order of calls. */
export interface Task {
  readonly name: string;
  /** The loss that no model can go below. */
  readonly floor: number;
  feeds(step: number, microbatch: number): Promise<TaskFeeds>;
}

/** Sizes of the token task. */
export interface MarkovOptions {
  readonly batch: number;
  readonly sequence: number;
  readonly vocabulary: number;
  readonly seed?: number;
}

/** Share of the likelier of the two successors of a token. */
const LIKELY = 0.9;

/**
 * Next-token prediction on a Markov chain: every token has one successor that follows nine times of ten, and another.
 * Feeds: tokens and labels, int64 [batch, sequence]; labels are the tokens one position on.
 */
export function markovTask({ batch, sequence, vocabulary, seed = 0 }: MarkovOptions): Task {
  const likely = permutation(vocabulary, new RandomStream(seed, "likely"));
  const feeds = async (step: number, microbatch: number): Promise<TaskFeeds> => {
    const stream = new RandomStream(seed, `markov/${step}/${microbatch}`);
    const tokens = new BigInt64Array(batch * sequence);
    const labels = new BigInt64Array(batch * sequence);
    for (let sample = 0; sample < batch; sample++) {
      let token = stream.below(vocabulary);
      for (let place = sample * sequence; place < (sample + 1) * sequence; place++) {
        tokens[place] = BigInt(token);
        token = likely[stream.uniform() < LIKELY ? token : (token + 1) % vocabulary]!;
        labels[place] = BigInt(token);
      }
    }
    return new Map([
      ["tokens", bytesOf(tokens)],
      ["labels", bytesOf(labels)],
    ]);
  };
  return { name: "markov", floor: -LIKELY * Math.log(LIKELY) - (1 - LIKELY) * Math.log(1 - LIKELY), feeds };
}

/** Sizes of the classification task. `shape` is that of one sample. */
export interface ClusterOptions {
  readonly batch: number;
  readonly input: string;
  readonly shape: readonly number[];
  readonly classes: number;
  readonly seed?: number;
}

/**
 * Classification of noisy patterns: each class has a random pattern of ±1 in every element; noise of deviation 1 is
 * added. Feeds: the input, float32 [batch, …shape], and labels, int64 [batch].
 */
export function clusterTask({ batch, input, shape, classes, seed = 0 }: ClusterOptions): Task {
  const size = shape.reduce((product, axis) => product * axis, 1);
  const signs = new RandomStream(seed, "patterns");
  const patterns = Float32Array.from({ length: classes * size }, () => (signs.word() & 1 ? 1 : -1));
  const feeds = async (step: number, microbatch: number): Promise<TaskFeeds> => {
    const stream = new RandomStream(seed, `clusters/${step}/${microbatch}`);
    const samples = new Float32Array(batch * size);
    const labels = new BigInt64Array(batch);
    for (let sample = 0; sample < batch; sample++) {
      const label = stream.below(classes);
      labels[sample] = BigInt(label);
      for (let at = 0; at < size; at++) samples[sample * size + at] = patterns[label * size + at]! + stream.normal();
    }
    return new Map([
      [input, bytesOf(samples)],
      ["labels", bytesOf(labels)],
    ]);
  };
  return { name: "clusters", floor: 0, feeds };
}

function bytesOf(elements: Float32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
}
