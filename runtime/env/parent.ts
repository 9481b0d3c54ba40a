/** @file The child's side of `spawn`: how a spawned module reaches its parent. */
import { invariant } from "../../compiler/errors.js";
import type { Parent } from "./env.js";

let parent: Parent | undefined;

/** Called once by the first module of a child, before it runs the entry. */
export function setParent(own: Parent): void {
  parent = own;
}

/** The parent of this child. Requires: this module was started by `spawn`. */
export function connectParent(): Parent {
  invariant(parent, "connectParent is called outside a spawned module");
  return parent;
}
