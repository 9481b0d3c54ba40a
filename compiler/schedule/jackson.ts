/** @file One machine with release times and tails, jobs may be interrupted: Jackson's rule gives the optimum. */

/**
 * Least possible max over jobs of (end + tail), if job j may start at head[j], takes ms[j] and may be interrupted.
 * Always run the available job with the longest tail. Source: Carlier 1982, "The one-machine sequencing problem".
 * Cost: O(n log n).
 */
export function jacksonBound(head: Float64Array, ms: Float64Array, tail: Float64Array): number {
  const jobs = Array.from(head.keys()).sort((a, b) => head[a]! - head[b]!);
  const left = ms.slice();
  const heap: number[] = [];
  let time = 0;
  let next = 0;
  let bound = 0;
  while (next < jobs.length || heap.length > 0) {
    if (heap.length === 0) time = Math.max(time, head[jobs[next]!]!);
    while (next < jobs.length && head[jobs[next]!]! <= time) pushByTail(heap, jobs[next++]!, tail);
    const job = heap[0]!;
    const until = next < jobs.length ? head[jobs[next]!]! : Infinity;
    if (time + left[job]! <= until) {
      time += left[job]!;
      bound = Math.max(bound, time + tail[job]!);
      popByTail(heap, tail);
    } else {
      left[job]! -= until - time;
      time = until;
    }
  }
  return bound;
}

/** Binary heap, longest tail on top. */
function pushByTail(heap: number[], job: number, tail: Float64Array): void {
  let i = heap.push(job) - 1;
  while (i > 0) {
    const parent = (i - 1) >> 1;
    if (tail[heap[parent]!]! >= tail[job]!) break;
    heap[i] = heap[parent]!;
    i = parent;
  }
  heap[i] = job;
}

function popByTail(heap: number[], tail: Float64Array): void {
  const job = heap.pop()!;
  if (heap.length === 0) return;
  let i = 0;
  for (;;) {
    let child = 2 * i + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && tail[heap[child + 1]!]! > tail[heap[child]!]!) child++;
    if (tail[heap[child]!]! <= tail[job]!) break;
    heap[i] = heap[child]!;
    i = child;
  }
  heap[i] = job;
}
