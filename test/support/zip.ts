/** @file Writes ZIP archives that say anything of themselves, for tests of what reads them. */
import { crc32 } from "node:zlib";

/** A file of an archive. What is left out is as the content is. */
export interface ZipEntry {
  readonly name: string;
  /** Packed, if `method` says so. */
  readonly content: Uint8Array;
  /** 0: stored, 8: deflated. */
  readonly method?: number;
  readonly plainBytes?: number;
  readonly checksum?: number;
}

/** The archive; its end may claim another number of entries, or that its directory lies elsewhere. */
export function zipped(
  entries: readonly ZipEntry[],
  claims: { readonly count?: number; readonly directoryAt?: number } = {},
): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const { content, method = 0, plainBytes = content.length, checksum = crc32(content) } = entry;
    const name = Buffer.from(entry.name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(checksum, 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(plainBytes, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\u0003\u0004"), common, name, content]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from("PK\u0001\u0002"), Buffer.from([20, 0]), common, tail, name]));
    parts.push(local);
    offset += local.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(claims.count ?? entries.length, 4);
  end.writeUInt16LE(claims.count ?? entries.length, 6);
  end.writeUInt32LE(list.length, 8);
  end.writeUInt32LE(claims.directoryAt ?? offset, 12);
  return Buffer.concat([...parts, list, Buffer.from("PK\u0005\u0006"), end]);
}
