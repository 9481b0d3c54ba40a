/** @file Where the ONNX Runtime library lies: inside the onnxruntime-node package, by system and processor. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { PipewrightError } from "../../../compiler/errors.js";

const FILE_BY_SYSTEM: Readonly<Record<string, string>> = {
  "linux x64": "libonnxruntime.so.1",
  "linux arm64": "libonnxruntime.so.1",
  "darwin arm64": "libonnxruntime.1.dylib",
  "win32 x64": "onnxruntime.dll",
  "win32 arm64": "onnxruntime.dll",
};

/**
 * Path of the library for this system.
 * @throws PipewrightError FILE when the package is not installed or has no library for this system.
 */
export function libraryPath(platform: string = process.platform, architecture: string = process.arch): string {
  const file = FILE_BY_SYSTEM[`${platform} ${architecture}`];
  if (file === undefined) {
    throw new PipewrightError(
      "FILE",
      `ONNX Runtime: onnxruntime-node has no library for this system; got ${platform} ${architecture}, expected one of ${Object.keys(FILE_BY_SYSTEM).join(", ")}. Run on one of these.`,
    );
  }
  return join(packageDirectory(), "bin", "napi-v6", platform, architecture, file);
}

function packageDirectory(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
  } catch {
    throw missingLibrary("the package onnxruntime-node is not installed");
  }
}

/** The error of a library that is not there or does not load. */
export function missingLibrary(reason: string): PipewrightError {
  return new PipewrightError(
    "FILE",
    `ONNX Runtime: the library does not load; ${reason}. Run "npm ci", or "npm install onnxruntime-node@1.30.0", and try again.`,
  );
}
