/** @file Small random partition problems and brute force over them. */
import fc from "fast-check";
import { evaluate, violations } from "../../../compiler/partition/evaluate.js";
import type {
  Block,
  CommunicationModel,
  Net,
  PartitionProblem,
  StageResources,
} from "../../../compiler/partition/problem.js";

/** A block with this work, and 3 bytes resident, 1 byte stashed per microbatch unless told otherwise. */
export function block(
  index: number,
  ms: number,
  bytes: Partial<Pick<Block, "residentBytes" | "stashBytes">> = {},
): Block {
  return {
    index,
    name: `b${index}`,
    nodes: [index],
    forwardMs: ms / 4,
    inputGradMs: ms / 4,
    weightGradMs: ms / 2,
    parameterBytes: 1,
    residentBytes: bytes.residentBytes ?? 3,
    stashBytes: bytes.stashBytes ?? 1,
  };
}

/** Stages that are all alike. */
export function alike(count: number, resources: Partial<StageResources> = {}): StageResources[] {
  return Array.from({ length: count }, () => ({ speed: 1, inFlight: 1, ...resources }));
}

/** Slicing leaves a gap here, so a solver is asked. */
export function wide(model: CommunicationModel): PartitionProblem {
  return {
    graph: {
      blocks: [0, 7, 5, 4, 3, 6, 2, 5, 1].map((ms, v) => block(v, ms)),
      nets: [1, 2, 3, 4, 5, 6, 7].map((v) => ({
        producer: 0,
        consumers: [v, 8],
        forwardBytes: 1 + (v % 3),
        gradBytes: 0,
      })),
    },
    model,
    stages: alike(3),
    link: { latencyMs: 0, bytesPerMs: 4 },
  };
}

export interface Shape {
  readonly maxBlocks: number;
  readonly maxStages: number;
  readonly unlikeStages: boolean;
  readonly memory: boolean;
}

const defaults: Shape = { maxBlocks: 8, maxStages: 4, unlikeStages: true, memory: true };

/** Problems with nets of one to three consumers, some unordered, integer costs, both models. */
export function problems(shape: Partial<Shape> = {}): fc.Arbitrary<PartitionProblem> {
  const { maxBlocks, maxStages, unlikeStages, memory } = { ...defaults, ...shape };
  const stage = fc.record({
    speed: unlikeStages ? fc.constantFrom(1, 1, 2, 0.5) : fc.constant(1),
    inFlight: fc.integer({ min: 0, max: 3 }),
    memoryBytes: memory ? fc.constantFrom(15, 30, 60, 1e9) : fc.constant(1e9),
    link: fc.constantFrom({ latencyMs: 0, bytesPerMs: 1 }, { latencyMs: 1, bytesPerMs: unlikeStages ? 2 : 1 }),
  });
  return fc.integer({ min: 2, max: maxBlocks }).chain((size) =>
    fc
      .record({
        work: fc.array(fc.integer({ min: 0, max: 12 }), { minLength: size, maxLength: size }),
        nets: fc.array(
          fc.record({
            pins: fc.uniqueArray(fc.integer({ min: 0, max: size - 1 }), { minLength: 2, maxLength: 4 }),
            forwardBytes: fc.integer({ min: 0, max: 5 }),
            gradBytes: fc.integer({ min: 0, max: 5 }),
            ordered: fc.integer({ min: 0, max: 4 }),
          }),
          { maxLength: 2 * size },
        ),
        stages: fc.array(stage, { minLength: 1, maxLength: Math.min(maxStages, size) }),
        model: fc.constantFrom("direct" as const, "relay" as const),
        emptyStages: fc.boolean(),
      })
      .map(({ work, nets, stages, model, emptyStages }) => ({
        graph: {
          blocks: work.map((ms, v) => block(v, ms)),
          nets: nets.map(({ pins, forwardBytes, gradBytes, ordered }): Net => {
            const sorted = [...pins].sort((a, b) => a - b);
            if (ordered > 0) return { producer: sorted[0]!, consumers: sorted.slice(1), forwardBytes, gradBytes };
            return { producer: pins[0]!, consumers: pins.slice(1), forwardBytes: 0, gradBytes, ordered: false };
          }),
        },
        model,
        stages: stages.map(({ link, ...rest }) => (unlikeStages ? { ...rest, link } : rest)),
        link: { latencyMs: 1, bytesPerMs: 2 },
        emptyStages,
      })),
  );
}

/** The smallest bottleneck over all assignments, or Infinity. O(stages ^ blocks), less what compute alone rules out. */
export function bruteForce(problem: PartitionProblem): number {
  const size = problem.graph.blocks.length;
  const k = problem.stages.length;
  const stageOf = new Array<number>(size).fill(0);
  const loads = new Array<number>(k).fill(0);
  const work = problem.graph.blocks.map((b) => b.forwardMs + b.inputGradMs + b.weightGradMs);
  let best = Infinity;
  const visit = (v: number): void => {
    if (Math.max(...loads) >= best) return;
    if (v === size) {
      const { bottleneckMs } = evaluate(problem, stageOf);
      if (bottleneckMs < best && violations(problem, stageOf).length === 0) best = bottleneckMs;
      return;
    }
    for (let s = 0; s < k; s++) {
      stageOf[v] = s;
      const goesBack = problem.graph.nets.some(
        (net) => net.ordered !== false && net.consumers.includes(v) && stageOf[net.producer]! > s,
      );
      if (goesBack) continue;
      loads[s]! += work[v]! / problem.stages[s]!.speed;
      visit(v + 1);
      loads[s]! -= work[v]! / problem.stages[s]!.speed;
    }
  };
  visit(0);
  return best;
}
