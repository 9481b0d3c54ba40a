/** @file Execution providers: how sessions get onto a device, what its memory is called, and how to get what is missing. */
import { dirname, join } from "node:path";
import { isMainThread } from "node:worker_threads";
import koffi from "koffi";
import { PipewrightError } from "../../../compiler/errors.js";
import type { DeviceKind } from "../../../compiler/profile/profile.js";
import { OrtError } from "./api.js";
import type { Handle, OrtApi } from "./api.js";
import { libraryPath } from "./library.js";

/** What an engine needs to know of a kind of device other than the CPU. */
export interface Provider {
  /** Name of the device's memory, as CreateMemoryInfo knows it. */
  readonly memoryName: string;
  /** Makes the library ready for the device, once per OrtEnv. @throws OrtError. */
  prepare(api: OrtApi, env: Handle): void;
  /** Adds the provider to the options of a session. @throws OrtError. */
  add(api: OrtApi, options: Handle): void;
  /** What to do when it is missing. */
  readonly advice: string;
}

/** tf32 off and deterministic kernels: a device repeats its own bits, and float32 means float32. */
const CUDA_OPTIONS = { use_tf32: "0", cudnn_conv_algo_search: "HEURISTIC", do_copy_in_default_stream: "1" };

const PROVIDERS: Readonly<Record<Exclude<DeviceKind, "cpu">, (device: number) => Provider>> = {
  cuda: (device) => ({
    memoryName: "Cuda",
    prepare: (api, env) => {
      const file = process.platform === "win32" ? "onnxruntime_providers_cuda.dll" : "libonnxruntime_providers_cuda.so";
      api.check("RegisterExecutionProviderLibrary", env, "CUDAExecutionProvider", join(dirname(libraryPath()), file));
    },
    add: (api, options) => {
      const cuda = api.create("CreateCUDAProviderOptions");
      try {
        withTexts(Object.entries({ ...CUDA_OPTIONS, device_id: String(device) }), (keys, values, count) => {
          api.check("UpdateCUDAProviderOptions", cuda, keys, values, count);
        });
        api.check("SessionOptionsAppendExecutionProvider_CUDA_V2", options, cuda);
        api.check("SetDeterministicCompute", options, 1);
      } finally {
        api.release("ReleaseCUDAProviderOptions", cuda);
      }
    },
    advice:
      'Run "ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js" where there is a network, install CUDA 12 and cuDNN 9, or use devices of kind cpu.',
  }),
  webgpu: (device) => ({
    memoryName: "WebGPU_Buf",
    prepare: () => {
      if (isMainThread) return;
      throw new OrtError("its WebGPU context belongs to the main thread of a process");
    },
    add: (api, options) => {
      withTexts([["deviceId", String(device)]], (keys, values, count) => {
        api.check("SessionOptionsAppendExecutionProvider", options, "WebGPU", keys, values, count);
      });
    },
    advice:
      "Install a Vulkan driver and its loader (libvulkan1), on a machine without a GPU SwiftShader with VK_ICD_FILENAMES naming its vk_swiftshader_icd.json, or use devices of kind cpu.",
  }),
};

/** The provider of a kind. `device` numbers the devices of that kind on this machine, from 0. */
export function providerOf(kind: Exclude<DeviceKind, "cpu">, device: number): Provider {
  return PROVIDERS[kind](device);
}

/** Runs what needs the device, and says how to get it when the library refuses. @throws PipewrightError USAGE. */
export function onProvider<T>(kind: DeviceKind, provider: Provider, operate: () => T): T {
  try {
    return operate();
  } catch (error) {
    if (!(error instanceof OrtError)) throw error;
    throw new PipewrightError(
      "USAGE",
      `device kind ${kind}: ONNX Runtime cannot use it on this machine; ${error.message}. ${provider.advice}`,
    );
  }
}

/** Keys and values as two arrays of C strings that live until `operate` returns. */
function withTexts(
  entries: readonly (readonly [string, string])[],
  operate: (keys: BigUint64Array, values: BigUint64Array, count: number) => void,
): void {
  const texts = entries.map((entry) => entry.map((text) => new TextEncoder().encode(`${text}\0`)));
  const column = (at: number): BigUint64Array => BigUint64Array.from(texts, (pair) => koffi.address(pair[at]!));
  operate(column(0), column(1), entries.length);
}
