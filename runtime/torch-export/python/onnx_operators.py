"""Operators of ONNX as torch functions (operator set 21, static shapes); gradients are torch's own.

OPERATORS is the list of what there is; the exporter knows the same names and refuses others. Each takes the inputs, None for
those left out, and the attributes by name, "outputs" among them: how many outputs are asked for.
"""

import math

import numpy
import torch
from torch.nn import functional as F

ONNX_DTYPES = {
    1: torch.float32,
    2: torch.uint8,
    3: torch.int8,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
    11: torch.float64,
}


def ints(value):
    return [int(number) for number in value.tolist()]


def axes_of(inputs, attrs, rank):
    given = inputs[1] if len(inputs) > 1 else None
    if given is not None:
        return [axis % rank for axis in ints(given)]
    if "axes" in attrs:
        return [axis % rank for axis in attrs["axes"]]
    return [] if attrs.get("noop_with_empty_axes") else list(range(rank))


def reduction(reduce):
    def run(inputs, attrs):
        x = inputs[0]
        axes = axes_of(inputs, attrs, x.dim())
        return reduce(x, axes, bool(attrs.get("keepdims", 1))) if axes else x

    return run


def product(x, axes, keep):
    for axis in sorted(axes, reverse=True):
        x = x.prod(axis, keepdim=keep)
    return x


def elementwise(function):
    return lambda inputs, attrs: function(*inputs)


def variadic(function):
    def run(inputs, attrs):
        result = inputs[0]
        for value in inputs[1:]:
            result = function(result, value)
        return result

    return run


def divide(a, b):
    return a / b if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc")


def window_pads(attrs, spatial, x, kernel):
    """Begin and end of every axis; auto_pad is resolved by the sizes."""
    mode = attrs.get("auto_pad", "NOTSET")
    if mode in ("NOTSET", "VALID"):
        pads = attrs.get("pads", [0] * 2 * spatial) if mode == "NOTSET" else [0] * 2 * spatial
        return pads[:spatial], pads[spatial:]
    strides, dilations = attrs.get("strides", [1] * spatial), attrs.get("dilations", [1] * spatial)
    begins, ends = [], []
    for size, step, extent, dilation in zip(x.shape[2:], strides, kernel, dilations):
        total = max((math.ceil(size / step) - 1) * step + (extent - 1) * dilation + 1 - size, 0)
        small = total // 2
        begins.append(small if mode == "SAME_UPPER" else total - small)
        ends.append(total - begins[-1])
    return begins, ends


def padded(x, begins, ends, value=0.0):
    if not any(begins) and not any(ends):
        return x
    return F.pad(x, [size for pair in zip(reversed(begins), reversed(ends)) for size in pair], value=value)


def convolution(inputs, attrs):
    x, weight = inputs[:2]
    bias = inputs[2] if len(inputs) > 2 else None
    spatial = x.dim() - 2
    begins, ends = window_pads(attrs, spatial, x, weight.shape[2:])
    run = (F.conv1d, F.conv2d, F.conv3d)[spatial - 1]
    strides, dilations = attrs.get("strides", [1] * spatial), attrs.get("dilations", [1] * spatial)
    return run(padded(x, begins, ends), weight, bias, strides, 0, dilations, attrs.get("group", 1))


def transposed_convolution(inputs, attrs):
    x, weight = inputs[:2]
    bias = inputs[2] if len(inputs) > 2 else None
    spatial = x.dim() - 2
    strides, dilations = attrs.get("strides", [1] * spatial), attrs.get("dilations", [1] * spatial)
    dilations = attrs.get("dilations", [1] * spatial)
    extra = attrs.get("output_padding", [0] * spatial)
    mode = attrs.get("auto_pad", "NOTSET")
    pads = attrs.get("pads", [0] * 2 * spatial) if mode == "NOTSET" else [0] * 2 * spatial
    if "output_shape" in attrs or mode.startswith("SAME"):
        wanted = attrs.get("output_shape", [size * step for size, step in zip(x.shape[2:], strides)])[-spatial:]
        for axis, size in enumerate(wanted):
            extent = (weight.shape[2 + axis] - 1) * dilations[axis] + 1
            total = max(strides[axis] * (x.shape[2 + axis] - 1) + extra[axis] + extent - size, 0)
            small = total // 2
            pads[axis] = small if mode == "SAME_UPPER" else total - small
            pads[spatial + axis] = total - pads[axis]
    run = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[spatial - 1]
    whole = run(x, weight, bias, strides, 0, extra, attrs.get("group", 1), dilations)
    slices = [slice(pads[axis], whole.shape[2 + axis] - pads[spatial + axis]) for axis in range(spatial)]
    return whole[(slice(None), slice(None), *slices)]


def pool(inputs, attrs, kind):
    x = inputs[0]
    spatial = x.dim() - 2
    kernel = attrs["kernel_shape"]
    strides = attrs.get("strides", [1] * spatial)
    begins, ends = window_pads(attrs, spatial, x, kernel)
    ceil = bool(attrs.get("ceil_mode", 0))
    if kind == "max":
        run = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[spatial - 1]
        return run(padded(x, begins, ends, -math.inf), kernel, strides, 0, attrs.get("dilations", [1] * spatial), ceil)
    dilations = attrs.get("dilations", [1] * spatial)
    if any(dilation > 1 for dilation in dilations):
        return dilated_average(x, kernel, strides, dilations, begins, ends, ceil, attrs.get("count_include_pad", 0))
    run = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[spatial - 1]
    if begins == ends:
        return run(x, kernel, strides, begins, ceil, bool(attrs.get("count_include_pad", 0)))
    means = run(padded(x, begins, ends), kernel, strides, 0, ceil, True)
    if attrs.get("count_include_pad", 0):
        return means
    shares = run(padded(torch.ones_like(x), begins, ends), kernel, strides, 0, ceil, True)
    return means / shares


def dilated_average(x, kernel, strides, dilations, begins, ends, ceil, counts_pads):
    """Sums of windows with gaps as a convolution of each channel with ones, over how many elements they hold."""
    spatial = len(kernel)
    run = (F.conv1d, F.conv2d, F.conv3d)[spatial - 1]
    ones = torch.ones([1, 1, *kernel], dtype=x.dtype, device=x.device)
    more = [0] * spatial
    for axis in range(spatial if ceil else 0):
        size = x.shape[2 + axis] + begins[axis] + ends[axis]
        more[axis] = -(size - (kernel[axis] - 1) * dilations[axis] - 1) % strides[axis]
    filled = torch.ones_like(x[:1, :1])
    counted = padded(filled, begins, ends, 1.0 if counts_pads else 0.0)
    sums, counts = (
        run(padded(part.flatten(0, 1).unsqueeze(1), [0] * spatial, more), ones, None, strides, 0, dilations)
        for part in (padded(x, begins, ends), counted)
    )
    return (sums / counts).reshape(*x.shape[:2], *sums.shape[2:])


def batch_norm(inputs, attrs):
    """In training also the next running mean and variance."""
    x, scale, bias, mean, variance = inputs
    epsilon = attrs.get("epsilon", 1e-5)
    if not attrs.get("training_mode", 0):
        shape = [1, -1] + [1] * (x.dim() - 2)
        factor = scale / torch.sqrt(variance + epsilon)
        return x * factor.reshape(shape) + (bias - mean * factor).reshape(shape)
    y = F.batch_norm(x, None, None, scale, bias, True, 0, epsilon)
    axes = [axis for axis in range(x.dim()) if axis != 1]
    momentum = attrs.get("momentum", 0.9)
    with torch.no_grad():
        own_variance, own_mean = torch.var_mean(x, axes, correction=0)
        return y, momentum * mean + (1 - momentum) * own_mean, momentum * variance + (1 - momentum) * own_variance


def layer_norm(inputs, attrs):
    x, scale = inputs[:2]
    bias = inputs[2] if len(inputs) > 2 else None
    axis = attrs.get("axis", -1) % x.dim()
    shape = list(x.shape[axis:])
    epsilon = attrs.get("epsilon", 1e-5)
    normal = F.layer_norm(x, shape, None, None, epsilon) * scale
    if attrs.get("outputs") == 1:
        return normal if bias is None else normal + bias
    axes = list(range(axis, x.dim()))
    mean = x.mean(axes, keepdim=True)
    deviation = torch.rsqrt((x - mean).square().mean(axes, keepdim=True) + epsilon)
    return (normal if bias is None else normal + bias), mean, deviation


def softmax(function):
    return lambda inputs, attrs: function(inputs[0], attrs.get("axis", -1))


def gather(inputs, attrs):
    x, index = inputs
    axis = attrs.get("axis", 0) % x.dim()
    index = torch.where(index < 0, index + x.shape[axis], index)
    picked = x.index_select(axis, index.reshape(-1))
    return picked.reshape([*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]])


def gather_elements(inputs, attrs):
    x, index = inputs
    axis = attrs.get("axis", 0) % x.dim()
    return x.gather(axis, torch.where(index < 0, index + x.shape[axis], index))


def gemm(inputs, attrs):
    a, b = inputs[:2]
    a = a.transpose(0, 1) if attrs.get("transA") else a
    b = b.transpose(0, 1) if attrs.get("transB") else b
    y = a @ b
    y = y if attrs.get("alpha", 1.0) == 1.0 else attrs["alpha"] * y
    if len(inputs) < 3 or inputs[2] is None:
        return y
    return y + (inputs[2] if attrs.get("beta", 1.0) == 1.0 else attrs["beta"] * inputs[2])


def reshape(inputs, attrs):
    x, shape = inputs[0], ints(inputs[1])
    keep = not attrs.get("allowzero", 0)
    return x.reshape([x.shape[axis] if size == 0 and keep else size for axis, size in enumerate(shape)])


def flatten(inputs, attrs):
    x = inputs[0]
    axis = attrs.get("axis", 1)
    axis += x.dim() if axis < 0 else 0
    return x.reshape(math.prod(x.shape[:axis]), -1)


def squeeze(inputs, attrs):
    x = inputs[0]
    given = len(inputs) > 1 or "axes" in attrs
    axes = axes_of(inputs, attrs, x.dim()) if given else [axis for axis, size in enumerate(x.shape) if size == 1]
    return x.reshape([size for axis, size in enumerate(x.shape) if axis not in axes])


def unsqueeze(inputs, attrs):
    x = inputs[0]
    rank = x.dim() + len(ints(inputs[1]))
    for axis in sorted(axis % rank for axis in ints(inputs[1])):
        x = x.unsqueeze(axis)
    return x


def expand(inputs, attrs):
    x, shape = inputs[0], ints(inputs[1])
    return x.expand(torch.broadcast_shapes(x.shape, shape))


def slice_(inputs, attrs):
    x, starts, ends = inputs[0], ints(inputs[1]), ints(inputs[2])
    axes = ints(inputs[3]) if len(inputs) > 3 and inputs[3] is not None else list(range(len(starts)))
    steps = ints(inputs[4]) if len(inputs) > 4 and inputs[4] is not None else [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps):
        indices = range(x.shape[axis])[start:end:step]
        x = x.index_select(axis, torch.tensor(list(indices), dtype=torch.int64, device=x.device))
    return x


def split(inputs, attrs):
    x = inputs[0]
    axis = attrs.get("axis", 0)
    if len(inputs) > 1 and inputs[1] is not None:
        return x.split(ints(inputs[1]), axis)
    return x.split(math.ceil(x.shape[axis] / attrs["num_outputs"]), axis)


def pad(inputs, attrs):
    x, pads = inputs[0], ints(inputs[1])
    value = inputs[2].item() if len(inputs) > 2 and inputs[2] is not None else 0
    axes = ints(inputs[3]) if len(inputs) > 3 and inputs[3] is not None else list(range(x.dim()))
    axes = [axis % x.dim() for axis in axes]
    begins, ends = [0] * x.dim(), [0] * x.dim()
    for place, axis in enumerate(axes):
        begins[axis], ends[axis] = pads[place], pads[len(axes) + place]
    mode = attrs.get("mode", "constant")
    if mode == "constant":
        return padded(x, begins, ends, value)
    for axis, (begin, end) in enumerate(zip(begins, ends)):
        if begin == 0 and end == 0:
            continue
        size = x.shape[axis]
        places = torch.arange(-begin, size + end, device=x.device)
        if mode == "edge":
            places = places.clamp(0, size - 1)
        elif mode == "wrap":
            places = places % size
        else:
            period = max(2 * (size - 1), 1)
            places = places % period
            places = torch.where(places >= size, period - places, places)
        x = x.index_select(axis, places)
    return x


def clip(inputs, attrs):
    x = inputs[0]
    for bound, limit in zip(inputs[1:], (torch.maximum, torch.minimum)):
        x = x if bound is None else limit(x, bound)
    return x


def instance_norm(inputs, attrs):
    x, scale, bias = inputs
    return F.instance_norm(x, weight=scale, bias=bias, eps=attrs.get("epsilon", 1e-5))


def global_pool(inputs, attrs):
    x = inputs[0]
    return x.mean(tuple(range(2, x.dim())), keepdim=True)


def resize_axis(size, out, scale, attrs):
    """Weights of a resized axis, [out, size]: what each place out takes of each place in."""
    place = numpy.arange(out, dtype=numpy.float64)
    mode = attrs.get("coordinate_transformation_mode", "half_pixel")
    if mode == "align_corners":
        at = place * (size - 1) / (out - 1) if out > 1 else place * 0
    elif mode == "asymmetric":
        at = place / scale
    elif mode == "pytorch_half_pixel" and out == 1:
        at = place * 0
    elif mode == "half_pixel_symmetric":
        at = size / 2 * (1 - out / (scale * size)) + (place + 0.5) / scale - 0.5
    else:
        at = (place + 0.5) / scale - 0.5
    weights = numpy.zeros((out, size))
    rows = numpy.arange(out)
    kind = attrs.get("mode", "nearest")
    if kind == "nearest":
        near = {
            "round_prefer_floor": lambda x: numpy.ceil(x - 0.5),
            "round_prefer_ceil": lambda x: numpy.floor(x + 0.5),
            "floor": numpy.floor,
            "ceil": numpy.ceil,
        }[attrs.get("nearest_mode", "round_prefer_floor")]
        weights[rows, near(at).clip(0, size - 1).astype(int)] = 1
        return weights
    low = numpy.floor(at).astype(int)
    if kind == "linear":
        shares = {0: 1 - (at - low), 1: at - low}
    else:
        a = attrs.get("cubic_coeff_a", -0.75)
        shares = {}
        for tap in (-1, 0, 1, 2):
            x = numpy.abs(at - low - tap)
            inner = (a + 2) * x**3 - (a + 3) * x**2 + 1
            outer = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
            shares[tap] = numpy.where(x <= 1, inner, outer)
    for tap, share in shares.items():
        outside = (low + tap < 0) | (low + tap >= size)
        part = numpy.where(outside, 0, share) if attrs.get("exclude_outside") else share
        numpy.add.at(weights, (rows, (low + tap).clip(0, size - 1)), part)
    return weights / weights.sum(1, keepdims=True) if attrs.get("exclude_outside") else weights


def resize(inputs, attrs):
    x = inputs[0]
    scales = inputs[2].tolist() if len(inputs) > 2 and inputs[2] is not None and inputs[2].numel() else None
    axes = [axis % x.dim() for axis in attrs.get("axes", range(x.dim()))]
    if scales is None:
        outs = ints(inputs[3])
        scales = [out / x.shape[axis] for out, axis in zip(outs, axes)]
    else:
        outs = [int(math.floor(x.shape[axis] * scale)) for scale, axis in zip(scales, axes)]
    for axis, out, scale in zip(axes, outs, scales):
        if out == x.shape[axis] and scale == 1:
            continue
        weights = torch.from_numpy(resize_axis(x.shape[axis], out, scale, attrs)).to(x)
        x = torch.tensordot(x, weights, ([axis], [1])).movedim(-1, axis)
    return x


def cumulative_sum(inputs, attrs):
    x, axis = inputs[0], int(inputs[1])
    x = x.flip(axis) if attrs.get("reverse") else x
    total = x.cumsum(axis)
    total = total - x if attrs.get("exclusive") else total
    return total.flip(axis) if attrs.get("reverse") else total


def top_k(inputs, attrs):
    return tuple(inputs[0].topk(int(inputs[1]), attrs.get("axis", -1), bool(attrs.get("largest", 1)), True))


def argument(reduce):
    def run(inputs, attrs):
        x = inputs[0]
        axis = attrs.get("axis", 0) % x.dim()
        keep = bool(attrs.get("keepdims", 1))
        if attrs.get("select_last_index"):
            return x.shape[axis] - 1 - reduce(x.flip(axis), axis, keepdim=keep)
        return reduce(x, axis, keepdim=keep)

    return run


def flat_places(x, index, batch=0):
    """Places in the flattened leading axes of x that index tuples point to, and the shape of what stands at each."""
    depth = index.shape[-1]
    sizes = x.shape[batch : batch + depth]
    flat = torch.zeros(index.shape[:-1], dtype=torch.int64, device=x.device)
    for place, size in enumerate(sizes):
        part = index[..., place]
        flat = flat * size + torch.where(part < 0, part + size, part)
    return flat, list(x.shape[batch + depth :]), math.prod(sizes)


def gather_nd(inputs, attrs):
    x, index = inputs
    batch = attrs.get("batch_dims", 0)
    flat, rest, count = flat_places(x, index, batch)
    outer = math.prod(x.shape[:batch])
    own = torch.arange(outer, device=x.device).reshape(-1, 1) * count + flat.reshape(outer, -1)
    return x.reshape(outer * count, -1).index_select(0, own.reshape(-1)).reshape(list(index.shape[:-1]) + rest)


REDUCTIONS = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


def scatter_elements(inputs, attrs):
    x, index, updates = inputs
    axis = attrs.get("axis", 0) % x.dim()
    index = torch.where(index < 0, index + x.shape[axis], index)
    kind = attrs.get("reduction", "none")
    if kind == "none":
        return x.scatter(axis, index, updates)
    if kind == "add":
        return x.scatter_add(axis, index, updates)
    return x.scatter_reduce(axis, index, updates, REDUCTIONS[kind])


def scatter_nd(inputs, attrs):
    x, index, updates = inputs
    flat, rest, count = flat_places(x, index)
    rows, parts = x.reshape(count, -1), updates.reshape(flat.numel(), -1)
    places = flat.reshape(-1, 1).expand_as(parts)
    kind = attrs.get("reduction", "none")
    made = rows.scatter(0, places, parts) if kind == "none" else rows.scatter_reduce(0, places, parts, REDUCTIONS[kind])
    return made.reshape(x.shape)


def depth_to_space(inputs, attrs):
    x, block = inputs[0], attrs["blocksize"]
    n, c, h, w = x.shape
    if attrs.get("mode", "DCR") == "CRD":
        return x.reshape(n, c // block**2, block, block, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, -1, h * block, w * block)
    return x.reshape(n, block, block, c // block**2, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, -1, h * block, w * block)


def space_to_depth(inputs, attrs):
    x, block = inputs[0], attrs["blocksize"]
    n, c, h, w = x.shape
    cells = x.reshape(n, c, h // block, block, w // block, block).permute(0, 3, 5, 1, 2, 4)
    return cells.reshape(n, c * block**2, h // block, w // block)


def trilu(inputs, attrs):
    offset = int(inputs[1]) if len(inputs) > 1 and inputs[1] is not None else 0
    return (torch.triu if attrs.get("upper", 1) else torch.tril)(inputs[0], offset)


def eye_like(inputs, attrs):
    x = inputs[0]
    rows, columns = x.shape
    ahead = torch.arange(columns, device=x.device) - torch.arange(rows, device=x.device).reshape(-1, 1)
    return (ahead == attrs.get("k", 0)).to(ONNX_DTYPES[attrs["dtype"]] if "dtype" in attrs else x.dtype)


def group_norm(inputs, attrs):
    x, scale, bias = inputs
    return F.group_norm(x, attrs["num_groups"], scale, bias, attrs.get("epsilon", 1e-5))


def lp_normalization(inputs, attrs):
    x, axis = inputs[0], attrs.get("axis", -1)
    return x / torch.linalg.vector_norm(x, attrs.get("p", 2), axis, keepdim=True)


def local_response_norm(inputs, attrs):
    x, size = inputs[0], attrs["size"]
    squares = F.pad(x.square().movedim(1, -1), ((size - 1) // 2, size // 2)).unfold(-1, size, 1).sum(-1).movedim(-1, 1)
    alpha, beta, bias = attrs.get("alpha", 1e-4), attrs.get("beta", 0.75), attrs.get("bias", 1.0)
    return x / (bias + alpha / size * squares) ** beta


def modulo(inputs, attrs):
    return torch.fmod(*inputs) if attrs.get("fmod") else torch.remainder(*inputs)


def shrink(inputs, attrs):
    x, bias, edge = inputs[0], attrs.get("bias", 0.0), attrs.get("lambd", 0.5)
    return torch.where(x < -edge, x + bias, torch.where(x > edge, x - bias, torch.zeros_like(x)))


def thresholded_relu(inputs, attrs):
    x = inputs[0]
    return torch.where(x > attrs.get("alpha", 1.0), x, torch.zeros_like(x))


def global_max_pool(inputs, attrs):
    x = inputs[0]
    return x.amax(tuple(range(2, x.dim())), keepdim=True)


OPERATORS = {
    "Abs": elementwise(torch.abs),
    "Acos": elementwise(torch.acos),
    "Acosh": elementwise(torch.acosh),
    "Add": elementwise(torch.add),
    "And": elementwise(torch.logical_and),
    "ArgMax": argument(torch.argmax),
    "ArgMin": argument(torch.argmin),
    "Asin": elementwise(torch.asin),
    "Asinh": elementwise(torch.asinh),
    "Atan": elementwise(torch.atan),
    "Atanh": elementwise(torch.atanh),
    "AveragePool": lambda inputs, attrs: pool(inputs, attrs, "average"),
    "BatchNormalization": batch_norm,
    "Cast": lambda inputs, attrs: inputs[0].to(ONNX_DTYPES[attrs["to"]]),
    "CastLike": elementwise(lambda x, like: x.to(like.dtype)),
    "Ceil": elementwise(torch.ceil),
    "Celu": lambda inputs, attrs: F.celu(inputs[0], attrs.get("alpha", 1.0)),
    "Clip": clip,
    "Concat": lambda inputs, attrs: torch.cat(inputs, attrs["axis"]),
    "Conv": convolution,
    "ConvTranspose": transposed_convolution,
    "Cos": elementwise(torch.cos),
    "Cosh": elementwise(torch.cosh),
    "CumSum": cumulative_sum,
    "DepthToSpace": depth_to_space,
    "Det": elementwise(torch.linalg.det),
    "Div": elementwise(divide),
    "Elu": lambda inputs, attrs: F.elu(inputs[0], attrs.get("alpha", 1.0)),
    "Equal": elementwise(torch.eq),
    "Erf": elementwise(torch.erf),
    "Exp": elementwise(torch.exp),
    "Expand": expand,
    "EyeLike": eye_like,
    "Flatten": flatten,
    "Floor": elementwise(torch.floor),
    "Gather": gather,
    "GatherElements": gather_elements,
    "GatherND": gather_nd,
    "Gelu": lambda inputs, attrs: F.gelu(inputs[0], approximate=attrs.get("approximate", "none")),
    "Gemm": gemm,
    "GlobalAveragePool": global_pool,
    "GlobalMaxPool": global_max_pool,
    "Greater": elementwise(torch.gt),
    "GreaterOrEqual": elementwise(torch.ge),
    "GroupNormalization": group_norm,
    "HardSigmoid": lambda inputs, attrs: (attrs.get("alpha", 0.2) * inputs[0] + attrs.get("beta", 0.5)).clamp(0, 1),
    "HardSwish": lambda inputs, attrs: F.hardswish(inputs[0]),
    "Identity": elementwise(lambda x: x),
    "InstanceNormalization": instance_norm,
    "IsInf": elementwise(torch.isinf),
    "IsNaN": elementwise(torch.isnan),
    "LayerNormalization": layer_norm,
    "LeakyRelu": lambda inputs, attrs: F.leaky_relu(inputs[0], attrs.get("alpha", 0.01)),
    "Less": elementwise(torch.lt),
    "LessOrEqual": elementwise(torch.le),
    "Log": elementwise(torch.log),
    "LogSoftmax": softmax(torch.log_softmax),
    "LpNormalization": lp_normalization,
    "LRN": local_response_norm,
    "MatMul": elementwise(torch.matmul),
    "Max": variadic(torch.maximum),
    "MaxPool": lambda inputs, attrs: pool(inputs, attrs, "max"),
    "Mean": lambda inputs, attrs: variadic(torch.add)(inputs, attrs) / len(inputs),
    "Min": variadic(torch.minimum),
    "Mish": elementwise(F.mish),
    "Mod": modulo,
    "Mul": elementwise(torch.mul),
    "Neg": elementwise(torch.neg),
    "Not": elementwise(torch.logical_not),
    "Or": elementwise(torch.logical_or),
    "Pad": pad,
    "Pow": elementwise(torch.pow),
    "PRelu": elementwise(lambda x, slope: torch.where(x < 0, slope * x, x)),
    "Reciprocal": elementwise(torch.reciprocal),
    "ReduceL1": reduction(lambda x, axes, keep: x.abs().sum(axes, keepdim=keep)),
    "ReduceL2": reduction(lambda x, axes, keep: torch.linalg.vector_norm(x, 2, axes, keepdim=keep)),
    "ReduceLogSum": reduction(lambda x, axes, keep: x.sum(axes, keepdim=keep).log()),
    "ReduceLogSumExp": reduction(lambda x, axes, keep: torch.logsumexp(x, axes, keepdim=keep)),
    "ReduceMax": reduction(lambda x, axes, keep: x.amax(axes, keepdim=keep)),
    "ReduceMean": reduction(lambda x, axes, keep: x.mean(axes, keepdim=keep)),
    "ReduceMin": reduction(lambda x, axes, keep: x.amin(axes, keepdim=keep)),
    "ReduceProd": reduction(product),
    "ReduceSum": reduction(lambda x, axes, keep: x.sum(axes, keepdim=keep)),
    "ReduceSumSquare": reduction(lambda x, axes, keep: x.square().sum(axes, keepdim=keep)),
    "Relu": elementwise(F.relu),
    "Reshape": reshape,
    "Resize": resize,
    "Round": elementwise(torch.round),
    "ScatterElements": scatter_elements,
    "ScatterND": scatter_nd,
    "Selu": lambda inputs, attrs: F.selu(inputs[0]),
    "Shrink": shrink,
    "Sigmoid": elementwise(torch.sigmoid),
    "Sign": elementwise(torch.sign),
    "Sin": elementwise(torch.sin),
    "Sinh": elementwise(torch.sinh),
    "Slice": slice_,
    "Softmax": softmax(torch.softmax),
    "Softplus": elementwise(F.softplus),
    "Softsign": elementwise(F.softsign),
    "SpaceToDepth": space_to_depth,
    "Split": split,
    "Sqrt": elementwise(torch.sqrt),
    "Squeeze": squeeze,
    "Sub": elementwise(torch.sub),
    "Sum": variadic(torch.add),
    "Tan": elementwise(torch.tan),
    "Tanh": elementwise(torch.tanh),
    "ThresholdedRelu": thresholded_relu,
    "Tile": lambda inputs, attrs: inputs[0].repeat(ints(inputs[1])),
    "TopK": top_k,
    "Transpose": lambda inputs, attrs: inputs[0].permute(attrs.get("perm", list(range(inputs[0].dim()))[::-1])),
    "Trilu": trilu,
    "Unsqueeze": unsqueeze,
    "Where": elementwise(torch.where),
    "Xor": elementwise(torch.logical_xor),
}
