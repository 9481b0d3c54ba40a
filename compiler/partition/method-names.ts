/** @file The ways to cut by the names of the command line; apart from the methods, so that naming them loads none. */

/** Other tools, rebuilt to compare with. */
export const OTHER_METHODS = ["smp", "pipedream", "torchgpipe"] as const;

export type OtherMethod = (typeof OTHER_METHODS)[number];

/**
 * auto: all that helps, cheap things first. slicing, ideals and milp stop after one method; smp, pipedream and torchgpipe
 * cut as those tools do. Both are for comparison.
 */
export const PARTITION_METHODS = ["auto", "slicing", "ideals", "milp", ...OTHER_METHODS] as const;

export type PartitionMethod = (typeof PARTITION_METHODS)[number];

export function isOtherMethod(method: string): method is OtherMethod {
  return (OTHER_METHODS as readonly string[]).includes(method);
}
