/** @file Who waits for whom in a circle. */

/**
 * Shortest circle in "d waits for each of waits[d]", from the member with the lowest number; undefined if there is
 * none. Breadth first from every member; cost O(n · (n + edges)).
 */
export function shortestCircle(waits: readonly (readonly number[])[]): number[] | undefined {
  let best: number[] | undefined;
  for (let start = 0; start < waits.length; start++) {
    const paths: number[][] = [[start]];
    const seen = new Set<number>();
    for (let path = paths.shift(); path && path.length < (best?.length ?? Infinity); path = paths.shift()) {
      const last = path.at(-1)!;
      if (waits[last]!.includes(start)) {
        best = path;
        break;
      }
      for (const to of waits[last]!) {
        if (seen.has(to)) continue;
        seen.add(to);
        paths.push([...path, to]);
      }
    }
  }
  return best;
}
