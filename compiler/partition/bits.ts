/** @file Sets of nodes as words of 32 bits. */

export function hasBit(bits: Uint32Array, v: number): boolean {
  return ((bits[v >>> 5]! >>> (v & 31)) & 1) === 1;
}

export function setBit(bits: Uint32Array, v: number): void {
  bits[v >>> 5]! |= 1 << (v & 31);
}

/** Appends the members of word `w`, ascending. */
export function bitsOf(word: number, w: number, out: number[]): void {
  let rest = word;
  while (rest !== 0) {
    out.push(w * 32 + 31 - Math.clz32(rest & -rest));
    rest &= rest - 1;
  }
}

/** Whether every member of `small` is one of `large`. */
export function isSubset(small: Uint32Array, large: Uint32Array): boolean {
  for (let w = 0; w < small.length; w++) if ((small[w]! & ~large[w]!) !== 0) return false;
  return true;
}
