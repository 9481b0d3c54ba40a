/**
 * @file NumPy's .npz files: zip archives of .npy files, stored or deflated.
 * Source: PKWARE APPNOTE 6.3.9, §4.3. Refused: encryption, archives of more than 4 GiB, entries over the size limit.
 */
import { crc32, inflateRawSync } from "node:zlib";
import { PipewrightError } from "../../compiler/errors.js";
import { formatName, plainName } from "../../compiler/names.js";
import type { FileArray, FileArrays } from "./array.js";
import { broken } from "./array.js";
import { readNpy } from "./npy.js";

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_ENTRY = 0x04034b50;
/** Longest comment after the end record, and the record itself. */
const END_SEARCH_BYTES = 65_535 + 22;

/** Reads all arrays; names lose their ".npy". @throws ARTEFACT_MISMATCH, LIMIT_EXCEEDED past `limitBytes` in all. */
export function readNpz(file: string, bytes: Uint8Array, limitBytes: number): FileArrays {
  const arrays = new Map<string, FileArray>();
  let left = limitBytes;
  for (const { name, content } of entries(file, bytes, () => left)) {
    left -= content.length;
    if (!name.endsWith(".npy")) continue;
    const array = name.slice(0, -".npy".length);
    if (arrays.has(array)) throw broken(file, `the array ${formatName(array)} comes twice. Write the file again.`);
    arrays.set(array, readNpy(`${file}/${plainName(name)}`, content));
  }
  return arrays;
}

/** The files of a zip archive in the order of its central directory. */
function* entries(file: string, bytes: Uint8Array, limit: () => number) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fits = (offset: number, length: number): void => {
    if (offset + length > bytes.length) throw broken(file, "the archive ends early. Write the file again.");
  };
  const end = findEnd(file, view);
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  for (let entry = 0; entry < count; entry++) {
    fits(at, 46);
    if (view.getUint32(at, true) !== DIRECTORY_ENTRY) throw broken(file, "the archive's directory is broken.");
    const method = view.getUint16(at + 10, true);
    const checksum = view.getUint32(at + 16, true);
    const packedBytes = view.getUint32(at + 20, true);
    const plainBytes = view.getUint32(at + 24, true);
    const nameBytes = view.getUint16(at + 28, true);
    const local = view.getUint32(at + 42, true);
    fits(at + 46, nameBytes);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameBytes));
    const shown = plainName(name);
    at += 46 + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (plainBytes > limit()) {
      throw new PipewrightError(
        "LIMIT_EXCEEDED",
        `data file ${file}: ${shown} unpacks to ${plainBytes} bytes; ${limit()} are left of the limit. Split the file.`,
        { file, entry: name },
      );
    }
    fits(local, 30);
    if (view.getUint32(local, true) !== LOCAL_ENTRY) throw broken(file, `the archive's entry ${shown} is broken.`);
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    fits(start, packedBytes);
    const content = unpack(file, shown, method, bytes.subarray(start, start + packedBytes), plainBytes);
    if (crc32(content) !== checksum)
      throw broken(file, `${shown} is damaged: its checksum differs. Write the file again.`);
    yield { name, content };
  }
}

function findEnd(file: string, view: DataView): number {
  const first = Math.max(0, view.byteLength - END_SEARCH_BYTES);
  for (let at = view.byteLength - 22; at >= first; at--) if (view.getUint32(at, true) === END_OF_DIRECTORY) return at;
  throw broken(file, "not a .npz file: no zip directory found. Write it with numpy.savez.");
}

function unpack(file: string, name: string, method: number, packed: Uint8Array, plainBytes: number): Uint8Array {
  if (method === 0) return packed;
  if (method !== 8) throw broken(file, `${name} uses zip method ${method}; expected stored or deflated.`);
  try {
    const plain = inflateRawSync(packed, { maxOutputLength: Math.max(1, plainBytes) });
    if (plain.length === plainBytes) return plain;
  } catch {
    throw broken(file, `${name} cannot be unpacked. Write the file again.`);
  }
  throw broken(file, `${name} unpacks to fewer bytes than the ${plainBytes} that the directory says.`);
}
