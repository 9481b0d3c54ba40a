/** @file A function for an isolated thread: gives back what it gets. */
export const run = (argument: unknown): unknown => argument;
