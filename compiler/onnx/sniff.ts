/** @file Says what a file is that is no ONNX model, so that the error can name it. */

interface Signature {
  readonly what: string;
  readonly bytes: readonly number[] | string;
  readonly advice?: string;
}

const SIGNATURES: readonly Signature[] = [
  {
    what: "a Git LFS pointer",
    bytes: "version https://git-lfs",
    advice: "Run `git lfs pull` to get the model itself.",
  },
  {
    what: "a ZIP archive (a PyTorch .pt file is one)",
    bytes: "PK\u0003\u0004",
    advice: "Export the model to ONNX first.",
  },
  { what: "a gzip archive", bytes: [0x1f, 0x8b], advice: "Unpack it first." },
  { what: "a PNG image", bytes: [0x89, 0x50, 0x4e, 0x47] },
  { what: "an HDF5 file (Keras weights)", bytes: [0x89, 0x48, 0x44, 0x46], advice: "Convert it with tf2onnx." },
  { what: "a Python pickle", bytes: [0x80, 0x02], advice: "Export the model to ONNX first." },
  { what: "an HTML page", bytes: "<!DOCTYPE", advice: "The download probably failed." },
  { what: "an HTML page", bytes: "<html", advice: "The download probably failed." },
  { what: "an XML file", bytes: "<?xml" },
  { what: "a JSON file", bytes: "{" },
];

/** What the bytes are instead of an ONNX model, with advice; undefined when nothing is recognised. */
export function foreignFormat(bytes: Uint8Array): string | undefined {
  for (const { what, bytes: magic, advice } of SIGNATURES) {
    const wanted = typeof magic === "string" ? Array.from(magic, (letter) => letter.charCodeAt(0)) : magic;
    if (bytes.length >= wanted.length && wanted.every((byte, position) => bytes[position] === byte)) {
      return advice ? `this is ${what}. ${advice}` : `this is ${what}.`;
    }
  }
  if (isSafetensors(bytes))
    return "this is a safetensors file, which holds weights but no graph. Export the model to ONNX.";
  if (bytes.every((byte) => byte === 0)) return "the file holds zeros only.";
  const head = bytes.subarray(0, 256);
  const printable = head.every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 9 || byte === 10 || byte === 13);
  return printable ? "this is a text file." : undefined;
}

/** Eight bytes of header length, then a JSON object. */
function isSafetensors(bytes: Uint8Array): boolean {
  if (bytes.length < 10) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.getUint32(4, true) === 0 && view.getUint32(0, true) <= bytes.length - 8 && bytes[8] === 0x7b;
}
