/** @file Writes .npz files for tests: a ZIP of stored .npy files, as numpy.savez writes it. */
import { zipped } from "./zip.js";

/** An array with its NumPy type, "<f4" or "<i8". */
export interface NpyArray {
  readonly descr: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

const HEADER_UNIT = 64;

/** One array as a .npy file. */
export function npy({ descr, shape, bytes }: NpyArray): Buffer {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.map((size) => `${size},`).join(" ")}), }`;
  const length = Math.ceil((10 + text.length + 1) / HEADER_UNIT) * HEADER_UNIT - 10;
  const head = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, length & 255, length >> 8]);
  return Buffer.concat([head, Buffer.from(`${text.padEnd(length - 1)}\n`), bytes]);
}

/** The file of these arrays. */
export function npz(arrays: Readonly<Record<string, NpyArray>>): Uint8Array {
  return zipped(Object.entries(arrays).map(([name, value]) => ({ name: `${name}.npy`, content: npy(value) })));
}
