/** @file Where external data lie: a part of another file, described by strings that the file's author wrote. */
import { PipewrightError } from "../errors.js";
import { formatName } from "../names.js";
import type { TensorProto } from "./proto.js";

/** A part of a file below the model's folder, as the model describes it. */
export interface ExternalPart {
  /** Relative, with "/" between its parts; no part is empty, "." or "..". */
  readonly location: string;
  readonly offset: number;
  /** Undefined: to the end of the tensor. */
  readonly length: number | undefined;
  /** SHA-1 of the whole file, in lower-case hex. Undefined: the model says nothing of it. */
  readonly checksum: string | undefined;
}

/** Strict decimal, at most 2^53: what other readers of numbers let through (" 48", "0x30", "4.8e1") is refused. */
const WHOLE = /^(0|[1-9][0-9]{0,15})$/;
const SHA1 = /^[0-9a-fA-F]{40}$/;
const LONGEST_LOCATION = 4_096;
// eslint-disable-next-line no-control-regex -- a NUL ends the path in the system's eyes, others break terminals
const CONTROL = /[\u0000-\u001f\u007f]/;

/** True for a tensor whose elements are in another file. */
export function isExternal({ data_location }: TensorProto): boolean {
  return data_location === 1;
}

/**
 * The part that an external tensor describes.
 * Ensures: the location cannot leave the model's folder as a path; links are for the opener to refuse.
 * @throws MODEL_MALFORMED for anything unclear: a key that is given twice, numbers that are no plain decimals, a
 * location that is absolute or leads upwards, data in the file besides.
 */
export function externalPart(tensor: TensorProto, where: string): ExternalPart {
  const entries = new Map<string, string>();
  for (const { key, value } of tensor.external_data ?? []) {
    if (entries.has(key)) throw malformedExternal(where, `${formatName(key)} is given twice`);
    entries.set(key, value);
  }
  if ((tensor.raw_data?.length ?? 0) > 0) throw malformedExternal(where, "the tensor holds data in the file as well");
  const whole = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined || WHOLE.test(text)) return text === undefined ? undefined : Number(text);
    throw malformedExternal(where, `"${key}" is ${formatName(text)}; expected a whole number`);
  };
  const offset = whole("offset") ?? 0;
  const length = whole("length");
  if (!Number.isSafeInteger(offset + (length ?? 0)))
    throw malformedExternal(where, `"offset" and "length" are ${offset} and ${length}; expected less than 2^53`);
  const checksum = entries.get("checksum");
  if (checksum !== undefined && !SHA1.test(checksum))
    throw malformedExternal(where, `"checksum" is ${formatName(checksum)}; expected the SHA-1 of the file in hex`);
  const location = checkedLocation(entries.get("location"), where);
  return { location, offset, length, checksum: checksum?.toLowerCase() };
}

function checkedLocation(location: string | undefined, where: string): string {
  if (!location) throw malformedExternal(where, "no location is given");
  const fault = locationFault(location);
  if (fault)
    throw malformedExternal(where, `location ${formatName(location)} ${fault}; expected a file in the model's folder`);
  return partsOf(location).join("/");
}

/** Why a location is no path below the model's folder, as "is …"; undefined when it is one. */
export function locationFault(location: string): string | undefined {
  if (location.length > LONGEST_LOCATION) return `has ${location.length} characters`;
  if (CONTROL.test(location)) return "holds a control character";
  if (location.includes("\\") || /^[A-Za-z]:/.test(location)) return "is a path of Windows";
  if (location.startsWith("/")) return "is an absolute path";
  const parts = partsOf(location);
  if (parts.includes("..")) return "leads out of the model's folder";
  return parts.length === 0 || parts.includes("") ? "is no path of a file" : undefined;
}

function partsOf(location: string): readonly string[] {
  return location.split("/").filter((part) => part !== ".");
}

/** The error for external data that are described wrongly. */
export function malformedExternal(where: string, what: string): PipewrightError {
  return new PipewrightError("MODEL_MALFORMED", `${where}: external data: ${what}. Export the model again.`, { where });
}
