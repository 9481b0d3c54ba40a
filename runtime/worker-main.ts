/** @file What the coordinator spawns for each device: a worker on its parent's channel. */
import { connectParent } from "./env/parent.js";
import { serve } from "./worker.js";

serve(connectParent());
