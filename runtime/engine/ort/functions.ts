/**
 * @file The functions of ONNX Runtime's C API that we call: place in the OrtApi table and parameters.
 *
 * Source: struct OrtApi in include/onnxruntime/core/session/onnxruntime_c_api.h. The table only ever grows at its end, so
 * a place holds for every later version. The places were counted there and agree with the static_asserts at the end of
 * onnxruntime_c_api.cc (ReleaseCustomOpDomain 101, SetGlobalSpinControl 149, SynchronizeBoundOutputs 203, …).
 */

/** How a parameter is passed: `out` receives a pointer, `count` a size_t; `path` is a file name in the system's characters. */
export type Parameter = "pointer" | "int" | "size" | "text" | "path" | "out" | "count";

/** Functions that return an OrtStatus: null for success. */
export const FUNCTIONS = {
  CreateEnv: { place: 3, takes: ["int", "text", "out"] },
  CreateSessionFromArray: { place: 8, takes: ["pointer", "pointer", "size", "pointer", "out"] },
  CreateSessionOptions: { place: 10, takes: ["out"] },
  SetSessionExecutionMode: { place: 13, takes: ["pointer", "int"] },
  EnableProfiling: { place: 14, takes: ["pointer", "path"] },
  DisableMemPattern: { place: 17, takes: ["pointer"] },
  SetSessionLogSeverityLevel: { place: 22, takes: ["pointer", "int"] },
  SetSessionGraphOptimizationLevel: { place: 23, takes: ["pointer", "int"] },
  SetIntraOpNumThreads: { place: 24, takes: ["pointer", "int"] },
  SetInterOpNumThreads: { place: 25, takes: ["pointer", "int"] },
  SessionGetInputCount: { place: 30, takes: ["pointer", "count"] },
  SessionGetOutputCount: { place: 31, takes: ["pointer", "count"] },
  SessionGetInputName: { place: 36, takes: ["pointer", "size", "pointer", "out"] },
  SessionGetOutputName: { place: 37, takes: ["pointer", "size", "pointer", "out"] },
  CreateRunOptions: { place: 39, takes: ["out"] },
  RunOptionsSetRunLogSeverityLevel: { place: 41, takes: ["pointer", "int"] },
  CreateTensorAsOrtValue: { place: 48, takes: ["pointer", "pointer", "size", "int", "out"] },
  CreateTensorWithDataAsOrtValue: {
    place: 49,
    takes: ["pointer", "pointer", "size", "pointer", "size", "int", "out"],
  },
  CreateMemoryInfo: { place: 68, takes: ["text", "int", "int", "int", "out"] },
  AllocatorFree: { place: 76, takes: ["pointer", "pointer"] },
  GetAllocatorWithDefaultOptions: { place: 78, takes: ["out"] },
  SessionEndProfiling: { place: 110, takes: ["pointer", "pointer", "out"] },
  AddSessionConfigEntry: { place: 130, takes: ["pointer", "text", "text"] },
  CreateAllocator: { place: 131, takes: ["pointer", "pointer", "out"] },
  RunWithBinding: { place: 133, takes: ["pointer", "pointer", "pointer"] },
  CreateIoBinding: { place: 134, takes: ["pointer", "out"] },
  BindInput: { place: 136, takes: ["pointer", "text", "pointer"] },
  BindOutput: { place: 137, takes: ["pointer", "text", "pointer"] },
  CreateAndRegisterAllocator: { place: 144, takes: ["pointer", "pointer", "pointer"] },
  CreateArenaCfg: { place: 156, takes: ["size", "int", "int", "int", "out"] },
  AllocatorGetStats: { place: 319, takes: ["pointer", "out"] },
  SessionOptionsAppendExecutionProvider_CUDA_V2: { place: 204, takes: ["pointer", "pointer"] },
  CreateCUDAProviderOptions: { place: 205, takes: ["out"] },
  UpdateCUDAProviderOptions: { place: 206, takes: ["pointer", "pointer", "pointer", "size"] },
  SessionOptionsAppendExecutionProvider: { place: 216, takes: ["pointer", "text", "pointer", "pointer", "size"] },
  SetDeterministicCompute: { place: 273, takes: ["pointer", "int"] },
  RegisterExecutionProviderLibrary: { place: 301, takes: ["pointer", "text", "path"] },
  CopyTensors: { place: 386, takes: ["pointer", "pointer", "pointer", "pointer", "size"] },
} as const satisfies Record<string, { readonly place: number; readonly takes: readonly Parameter[] }>;

/** Functions that release one handle and return nothing. */
export const RELEASES = {
  ReleaseEnv: 92,
  ReleaseStatus: 93,
  ReleaseMemoryInfo: 94,
  ReleaseSession: 95,
  ReleaseValue: 96,
  ReleaseRunOptions: 97,
  ReleaseSessionOptions: 100,
  ReleaseAllocator: 132,
  ReleaseIoBinding: 135,
  ReleaseArenaCfg: 157,
  ReleaseCUDAProviderOptions: 208,
  ReleaseKeyValuePairs: 300,
} as const;

/** Functions of the table that return text: the message of a status, the value of a key. */
export const GET_ERROR_MESSAGE = 2;
export const GET_KEY_VALUE = 297;

/** Entries of the table up to the last one that we call. */
export const TABLE_LENGTH = 387;

/** The version of the API that the table is asked for: the first that has all of it (1.23, CopyTensors). */
export const API_VERSION = 23;

export type FunctionName = keyof typeof FUNCTIONS;
export type ReleaseName = keyof typeof RELEASES;
