/** @file Takes long slices when it is told to, and says when it has. */
import { connectParent } from "../../../runtime/env/parent.js";

const parent = connectParent();
parent.onMessage((message) => {
  if (message === "leave") {
    parent.leave();
  } else {
    parent.takeLongSlices();
    parent.send("taken");
  }
});
