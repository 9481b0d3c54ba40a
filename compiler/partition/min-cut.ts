/** @file Maximum flow between two terminals that every node may be tied to; reusable buffers, no recursion. */

/**
 * A network of `nodes` nodes. `tie` gives a node capacity from the source (positive) or to the sink (negative).
 * Dinic 1970: O(nodes² · arcs) at worst, near linear on the shallow networks of this folder.
 */
export class FlowNetwork {
  /** Flow below this is rounding. */
  private readonly tiny: number;
  private size = 0;
  private arcs = 0;
  private head = new Int32Array(64);
  private next = new Int32Array(256);
  private to = new Int32Array(256);
  private capacity = new Float64Array(256);
  private tied = new Float64Array(64);
  private level = new Int32Array(64);
  private current = new Int32Array(64);
  private queue = new Int32Array(64);
  private path = new Int32Array(65);
  private direct = 0;
  private savedCapacity = new Float64Array(0);
  private savedTied = new Float64Array(0);
  private savedDirect = 0;

  constructor(tiny: number) {
    this.tiny = tiny;
  }

  /** Empties the network. */
  reset(nodes: number): void {
    if (this.head.length < nodes) {
      const room = Math.max(nodes, 2 * this.head.length);
      this.head = new Int32Array(room);
      this.tied = new Float64Array(room);
      this.level = new Int32Array(room);
      this.current = new Int32Array(room);
      this.queue = new Int32Array(room);
      this.path = new Int32Array(room + 1);
    }
    this.size = nodes;
    this.arcs = 0;
    this.direct = 0;
    this.head.fill(-1, 0, nodes);
    this.tied.fill(0, 0, nodes);
  }

  /** Positive: from the source; negative: to the sink. Opposite ties of one node cancel into flow at once. */
  tie(node: number, capacity: number): void {
    const old = this.tied[node]!;
    if (old * capacity < 0) this.direct += Math.min(Math.abs(old), Math.abs(capacity));
    this.tied[node] = old + capacity;
  }

  /** Keeps the capacities so that `restore` can bring them back after a flow. */
  save(): void {
    if (this.savedCapacity.length < this.arcs) this.savedCapacity = new Float64Array(this.capacity.length);
    if (this.savedTied.length < this.size) this.savedTied = new Float64Array(this.tied.length);
    this.savedCapacity.set(this.capacity.subarray(0, this.arcs));
    this.savedTied.set(this.tied.subarray(0, this.size));
    this.savedDirect = this.direct;
  }

  restore(): void {
    this.capacity.set(this.savedCapacity.subarray(0, this.arcs));
    this.tied.set(this.savedTied.subarray(0, this.size));
    this.direct = this.savedDirect;
  }

  /** Two opposite arcs. */
  arc(from: number, to: number, forward: number, backward: number): void {
    if (this.arcs + 2 > this.to.length) {
      const grown = <T extends Int32Array | Float64Array>(old: T, fresh: T): T => (fresh.set(old), fresh);
      const room = 2 * this.to.length;
      this.next = grown(this.next, new Int32Array(room));
      this.to = grown(this.to, new Int32Array(room));
      this.capacity = grown(this.capacity, new Float64Array(room));
    }
    const a = this.arcs;
    this.to[a] = to;
    this.capacity[a] = forward;
    this.next[a] = this.head[from]!;
    this.head[from] = a;
    this.to[a + 1] = from;
    this.capacity[a + 1] = backward;
    this.next[a + 1] = this.head[to]!;
    this.head[to] = a + 1;
    this.arcs += 2;
  }

  private searchLevels(): boolean {
    const { level, queue, tied, head, next, to, capacity, tiny } = this;
    level.fill(-1, 0, this.size);
    let end = 0;
    for (let v = 0; v < this.size; v++)
      if (tied[v]! > tiny) {
        level[v] = 0;
        queue[end++] = v;
      }
    let reached = false;
    for (let at = 0; at < end; at++) {
      const v = queue[at]!;
      if (tied[v]! < -tiny) reached = true;
      for (let a = head[v]!; a >= 0; a = next[a]!) {
        const u = to[a]!;
        if (capacity[a]! > tiny && level[u]! < 0) {
          level[u] = level[v]! + 1;
          queue[end++] = u;
        }
      }
    }
    return reached;
  }

  /** Sends flow from one tied node along level-increasing arcs until it is blocked. */
  private drain(root: number): number {
    const { level, current, path, tied, next, to, capacity, tiny } = this;
    let sent = 0;
    let depth = 0;
    let v = root;
    for (;;) {
      if (tied[v]! < -tiny) {
        let amount = Math.min(tied[root]!, -tied[v]!);
        for (let d = 0; d < depth; d++) amount = Math.min(amount, capacity[path[d]!]!);
        tied[root]! -= amount;
        tied[v]! += amount;
        sent += amount;
        let back = depth;
        for (let d = depth - 1; d >= 0; d--) {
          const a = path[d]!;
          capacity[a]! -= amount;
          capacity[a ^ 1]! += amount;
          if (capacity[a]! <= tiny) back = d;
        }
        if (tied[root]! <= tiny) return sent;
        depth = back;
        v = depth === 0 ? root : to[path[depth - 1]!]!;
        if (tied[v]! < -tiny) continue;
      }
      let a = current[v]!;
      while (a >= 0 && !(capacity[a]! > tiny && level[to[a]!]! === level[v]! + 1)) a = next[a]!;
      current[v] = a;
      if (a >= 0) {
        path[depth++] = a;
        v = to[a]!;
        continue;
      }
      level[v] = -1;
      if (depth === 0) return sent;
      depth--;
      v = depth === 0 ? root : to[path[depth - 1]!]!;
      current[v] = next[current[v]!]!;
    }
  }

  /** Maximum flow. Afterwards `inSource` tells the smallest source side of a minimum cut. */
  maximize(): number {
    let flow = this.direct;
    while (this.searchLevels()) {
      this.current.set(this.head.subarray(0, this.size));
      for (let v = 0; v < this.size; v++) if (this.level[v] === 0 && this.tied[v]! > this.tiny) flow += this.drain(v);
    }
    return flow;
  }

  /** Whether the node can still be reached from the source. */
  inSource(node: number): boolean {
    return this.level[node]! >= 0;
  }
}
