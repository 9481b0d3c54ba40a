/** @file The smallest model: one input that is the output. A session over it stands for its device. */

const X = [0x0a, 1, 0x78];
/** ValueInfoProto: name "x", a float32 tensor of shape [1]. */
const VALUE = [...X, 0x12, 10, 0x0a, 8, 0x08, 1, 0x12, 4, 0x0a, 2, 0x08, 1];
/** GraphProto: name "x" (2), input (11), output (12). */
const GRAPH = [0x12, 1, 0x78, 0x5a, VALUE.length, ...VALUE, 0x62, VALUE.length, ...VALUE];

/** ModelProto: IR version 10 (1), operator set 21 (8), graph (7). */
export const PASS_THROUGH_MODEL = Uint8Array.of(0x08, 10, 0x42, 2, 0x10, 21, 0x3a, GRAPH.length, ...GRAPH);
