/** @file The ordered free pieces do what a sorted list does, however many there are. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { FreePieces } from "../../../compiler/plan/free-pieces.js";

interface Piece {
  readonly address: number;
  readonly bytes: number;
}

const inOrder = (a: Piece, b: Piece): number => a.bytes - b.bytes || a.address - b.address;

it("takes the smallest piece that fits, of those the lowest", () => {
  // Several blocks' worth of pieces of few sizes, and changes that reach into all of them.
  const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 300, maxLength: 900 });
  const changes = fc.array(fc.record({ take: fc.boolean(), pick: fc.nat() }), { maxLength: 900 });
  fc.assert(
    fc.property(sizes, changes, (all, steps) => {
      const list = new FreePieces<Piece>();
      const plain: Piece[] = [];
      for (const [at, bytes] of all.entries()) {
        const piece = { bytes, address: (at * 7919) % 1009 };
        list.add(piece);
        plain.push(piece);
      }
      plain.sort(inOrder);
      for (const { take, pick } of steps) {
        if (take) {
          const at = plain.findIndex(({ bytes }) => bytes >= (pick % 6) + 1);
          expect(list.takeFitting((pick % 6) + 1)).toBe(at < 0 ? undefined : plain.splice(at, 1)[0]);
        } else if (plain.length > 0) {
          const [piece] = plain.splice(pick % plain.length, 1);
          list.remove(piece!);
        }
      }
      const rest = plain.map(() => list.takeFitting(0));
      expect(rest).toEqual(plain);
      expect(list.takeFitting(0)).toBeUndefined();
    }),
    { numRuns: 30 },
  );
});
