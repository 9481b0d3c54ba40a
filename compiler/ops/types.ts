/** @file Attribute types of every op, merged from the families. Types only, so that the families may import OpType. */
import type { BatchNormAttrs } from "./batch-norm.js";
import type { ConvAttrs } from "./conv.js";
import type { ConvTransposeAttrs } from "./conv-transpose.js";
import type { GatheringAttrs } from "./gathering.js";
import type { GlobalPoolAttrs } from "./global-pool.js";
import type { LayerNormAttrs } from "./layer-norm.js";
import type { LinalgAttrs } from "./linalg.js";
import type { PaddingAttrs } from "./padding.js";
import type { PoolAttrs } from "./pool.js";
import type { ScatteringAttrs } from "./scattering.js";
import type { ColumnsAttrs } from "./columns.js";
import type { RearrangingAttrs } from "./rearranging.js";
import type { ResponseNormAttrs } from "./response-norm.js";
import type { SelectingAttrs } from "./selecting.js";
import type { AffineGridAttrs } from "./affine-grid.js";
import type { GridSampleAttrs } from "./grid-sample.js";
import type { ResizeAttrs } from "./resize.js";
import type { MaxRoiPoolAttrs } from "./max-roi-pool.js";
import type { RoiAlignAttrs } from "./roi-align.js";
import type { ShapeAttrs } from "./shape-ops.js";
import type { SlicingAttrs } from "./slicing.js";
import type { BinaryAttrs } from "./binary.js";
import type { ActivationAttrs } from "./activation.js";
import type { CastAttrs } from "./cast.js";
import type { ClampAttrs } from "./clamp.js";
import type { CompareAttrs } from "./compare.js";
import type { RandomAttrs } from "./random.js";
import type { ScanAttrs } from "./scan.js";
import type { SoftmaxAttrs } from "./softmax.js";
import type { UnaryAttrs } from "./unary.js";
import type { VariadicAttrs } from "./variadic.js";
import type { MovementAttrs } from "./movement.js";
import type { ReduceAttrs } from "./reduce.js";

export interface OpAttrs
  extends
    ActivationAttrs,
    BinaryAttrs,
    CastAttrs,
    ClampAttrs,
    CompareAttrs,
    MovementAttrs,
    BatchNormAttrs,
    ConvAttrs,
    ConvTransposeAttrs,
    GatheringAttrs,
    GlobalPoolAttrs,
    LayerNormAttrs,
    LinalgAttrs,
    PaddingAttrs,
    PoolAttrs,
    ScatteringAttrs,
    ColumnsAttrs,
    RearrangingAttrs,
    ResponseNormAttrs,
    SelectingAttrs,
    AffineGridAttrs,
    GridSampleAttrs,
    ResizeAttrs,
    MaxRoiPoolAttrs,
    RoiAlignAttrs,
    ShapeAttrs,
    SlicingAttrs,
    RandomAttrs,
    ReduceAttrs,
    ScanAttrs,
    SoftmaxAttrs,
    UnaryAttrs,
    VariadicAttrs {}

/** An operator of the IR, by its ONNX name. */
export type OpType = keyof OpAttrs;
