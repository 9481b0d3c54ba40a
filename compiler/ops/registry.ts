/** @file The table of all ops. A missing op does not compile. */
import { batchNorm } from "./batch-norm.js";
import { conv } from "./conv.js";
import { convTranspose } from "./conv-transpose.js";
import { gathering } from "./gathering.js";
import { globalPool } from "./global-pool.js";
import { layerNorm } from "./layer-norm.js";
import { linalg } from "./linalg.js";
import { padding } from "./padding.js";
import { pool } from "./pool.js";
import { scattering } from "./scattering.js";
import { columns } from "./columns.js";
import { rearranging } from "./rearranging.js";
import { responseNorm } from "./response-norm.js";
import { selecting } from "./selecting.js";
import { affineGrid } from "./affine-grid.js";
import { gridSample } from "./grid-sample.js";
import { resize } from "./resize.js";
import { maxRoiPool } from "./max-roi-pool.js";
import { roiAlign } from "./roi-align.js";
import { shapeOps } from "./shape-ops.js";
import { slicing } from "./slicing.js";
import { binary } from "./binary.js";
import { activation } from "./activation.js";
import { cast } from "./cast.js";
import { clamp } from "./clamp.js";
import { comparison } from "./compare.js";
import { random } from "./random.js";
import { scan } from "./scan.js";
import { softmax } from "./softmax.js";
import { unary } from "./unary.js";
import { variadic } from "./variadic.js";
import type { OpTable } from "./define.js";
import { movement } from "./movement.js";
import { reduce } from "./reduce.js";

export const OPS: OpTable = {
  ...binary,
  ...activation,
  ...cast,
  ...clamp,
  ...comparison,
  ...random,
  ...scan,
  ...softmax,
  ...unary,
  ...variadic,
  ...movement,
  ...batchNorm,
  ...conv,
  ...convTranspose,
  ...gathering,
  ...globalPool,
  ...layerNorm,
  ...linalg,
  ...padding,
  ...pool,
  ...scattering,
  ...columns,
  ...rearranging,
  ...responseNorm,
  ...selecting,
  ...affineGrid,
  ...gridSample,
  ...resize,
  ...maxRoiPool,
  ...roiAlign,
  ...shapeOps,
  ...slicing,
  ...reduce,
};
