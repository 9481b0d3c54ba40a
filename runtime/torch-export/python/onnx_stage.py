"""A stage of the pipeline as a torch module, from its ONNX graph (operator set 21, static shapes).

Gradients are torch's own. OPERATORS is the list of what it can run; the exporter knows the same names and refuses others.
"""

import json
import math
import struct

import numpy
import onnx
import torch
from onnx import numpy_helper
from torch.nn import functional as F

DTYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "int64": torch.int64,
    "int32": torch.int32,
    "bool": torch.bool,
}
ONNX_DTYPES = {
    1: torch.float32,
    2: torch.uint8,
    3: torch.int8,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
    11: torch.float64,
}


def read_safetensors(path):
    """Tensors by name. Format: u64 length of a JSON header, the header, the bytes."""
    types = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "BOOL": "?"}
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        array = numpy.frombuffer(data[begin:end], types[entry["dtype"]]).reshape(entry["shape"])
        tensors[name] = torch.from_numpy(array.copy())
    return tensors


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
    pads = attrs.get("pads", [0] * 2 * spatial)
    extra = attrs.get("output_padding", [0] * spatial)
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
    run = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[spatial - 1]
    if begins == ends:
        return run(x, kernel, strides, begins, ceil, bool(attrs.get("count_include_pad", 0)))
    means = run(padded(x, begins, ends), kernel, strides, 0, ceil, True)
    if attrs.get("count_include_pad", 0):
        return means
    shares = run(padded(torch.ones_like(x), begins, ends), kernel, strides, 0, ceil, True)
    return means / shares


def batch_norm(inputs, attrs):
    """In training also the next running mean and variance."""
    x, scale, bias, mean, variance = inputs
    epsilon = attrs.get("epsilon", 1e-5)
    if not attrs.get("training_mode", 0):
        return F.batch_norm(x, mean, variance, scale, bias, False, 0, epsilon)
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
    normal = F.layer_norm(x, shape, None, None, attrs.get("epsilon", 1e-5)) * scale
    return normal if bias is None else normal + bias


def softmax(function):
    return lambda inputs, attrs: function(inputs[0], attrs.get("axis", -1))


def gather(inputs, attrs):
    x, index = inputs
    axis = attrs.get("axis", 0) % x.dim()
    index = torch.where(index < 0, index + x.shape[axis], index)
    picked = x.index_select(axis, index.reshape(-1))
    return picked.reshape(*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])


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
    begins, ends = [0] * x.dim(), [0] * x.dim()
    for place, axis in enumerate(axes):
        begins[axis], ends[axis] = pads[place], pads[len(axes) + place]
    return padded(x, begins, ends, value)


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


OPERATORS = {
    "Abs": elementwise(torch.abs),
    "Add": elementwise(torch.add),
    "And": elementwise(torch.logical_and),
    "Atan": elementwise(torch.atan),
    "AveragePool": lambda inputs, attrs: pool(inputs, attrs, "average"),
    "BatchNormalization": batch_norm,
    "Cast": lambda inputs, attrs: inputs[0].to(ONNX_DTYPES[attrs["to"]]),
    "Ceil": elementwise(torch.ceil),
    "Clip": clip,
    "Concat": lambda inputs, attrs: torch.cat(inputs, attrs["axis"]),
    "Conv": convolution,
    "ConvTranspose": transposed_convolution,
    "Cos": elementwise(torch.cos),
    "Div": elementwise(divide),
    "Elu": lambda inputs, attrs: F.elu(inputs[0], attrs.get("alpha", 1.0)),
    "Equal": elementwise(torch.eq),
    "Erf": elementwise(torch.erf),
    "Exp": elementwise(torch.exp),
    "Expand": expand,
    "Flatten": flatten,
    "Floor": elementwise(torch.floor),
    "Gather": gather,
    "GatherElements": gather_elements,
    "Gelu": lambda inputs, attrs: F.gelu(inputs[0], approximate=attrs.get("approximate", "none")),
    "Gemm": gemm,
    "GlobalAveragePool": global_pool,
    "Greater": elementwise(torch.gt),
    "GreaterOrEqual": elementwise(torch.ge),
    "HardSigmoid": lambda inputs, attrs: (attrs.get("alpha", 0.2) * inputs[0] + attrs.get("beta", 0.5)).clamp(0, 1),
    "HardSwish": lambda inputs, attrs: F.hardswish(inputs[0]),
    "Identity": elementwise(lambda x: x),
    "InstanceNormalization": instance_norm,
    "LayerNormalization": layer_norm,
    "LeakyRelu": lambda inputs, attrs: F.leaky_relu(inputs[0], attrs.get("alpha", 0.01)),
    "Less": elementwise(torch.lt),
    "LessOrEqual": elementwise(torch.le),
    "Log": elementwise(torch.log),
    "LogSoftmax": softmax(torch.log_softmax),
    "MatMul": elementwise(torch.matmul),
    "Max": variadic(torch.maximum),
    "MaxPool": lambda inputs, attrs: pool(inputs, attrs, "max"),
    "Mean": lambda inputs, attrs: variadic(torch.add)(inputs, attrs) / len(inputs),
    "Min": variadic(torch.minimum),
    "Mish": elementwise(F.mish),
    "Mul": elementwise(torch.mul),
    "Neg": elementwise(torch.neg),
    "Not": elementwise(torch.logical_not),
    "Or": elementwise(torch.logical_or),
    "PRelu": elementwise(lambda x, slope: torch.where(x < 0, slope * x, x)),
    "Pad": pad,
    "Pow": elementwise(torch.pow),
    "Reciprocal": elementwise(torch.reciprocal),
    "ReduceL1": reduction(lambda x, axes, keep: x.abs().sum(axes, keepdim=keep)),
    "ReduceL2": reduction(lambda x, axes, keep: torch.linalg.vector_norm(x, 2, axes, keepdim=keep)),
    "ReduceLogSumExp": reduction(lambda x, axes, keep: torch.logsumexp(x, axes, keepdim=keep)),
    "ReduceMax": reduction(lambda x, axes, keep: x.amax(axes, keepdim=keep)),
    "ReduceMean": reduction(lambda x, axes, keep: x.mean(axes, keepdim=keep)),
    "ReduceMin": reduction(lambda x, axes, keep: x.amin(axes, keepdim=keep)),
    "ReduceProd": reduction(product),
    "ReduceSum": reduction(lambda x, axes, keep: x.sum(axes, keepdim=keep)),
    "ReduceSumSquare": reduction(lambda x, axes, keep: x.square().sum(axes, keepdim=keep)),
    "Relu": elementwise(F.relu),
    "Reshape": reshape,
    "Round": elementwise(torch.round),
    "Selu": lambda inputs, attrs: F.selu(inputs[0]),
    "Sigmoid": elementwise(torch.sigmoid),
    "Sign": elementwise(torch.sign),
    "Sin": elementwise(torch.sin),
    "Slice": slice_,
    "Softmax": softmax(torch.softmax),
    "Softplus": elementwise(F.softplus),
    "Softsign": elementwise(F.softsign),
    "Split": split,
    "Sqrt": elementwise(torch.sqrt),
    "Squeeze": squeeze,
    "Sub": elementwise(torch.sub),
    "Sum": variadic(torch.add),
    "Tan": elementwise(torch.tan),
    "Tanh": elementwise(torch.tanh),
    "Tile": lambda inputs, attrs: inputs[0].repeat(ints(inputs[1])),
    "Transpose": lambda inputs, attrs: inputs[0].permute(attrs.get("perm", list(range(inputs[0].dim()))[::-1])),
    "Unsqueeze": unsqueeze,
    "Where": elementwise(torch.where),
}


class Received(torch.autograd.Function):
    """A tensor as it was received. Its gradient, which the pipeline sends back, is contiguous."""

    @staticmethod
    def forward(ctx, tensor):
        return tensor.view_as(tensor)

    @staticmethod
    def backward(ctx, gradient):
        return gradient.contiguous()


class Touching(torch.autograd.Function):
    """`value` as it is; tensors that were received and not used get a gradient of zeros, which the pipeline must send."""

    @staticmethod
    def forward(ctx, value, *received):
        ctx.save_for_backward(*received)
        return value.view_as(value)

    @staticmethod
    def backward(ctx, gradient):
        return (gradient, *(torch.zeros_like(tensor) for tensor in ctx.saved_tensors))


class OnnxStage(torch.nn.Module):
    """One stage: tensors of the stage before as arguments, tensors for the next stage out.

    Inputs of the model come as input0, input1, ... in the order of `inputs`, their names.
    """

    def __init__(self, folder, about, inputs, weights, device):
        super().__init__()
        graph = onnx.load(f"{folder}/{about['file']}").graph
        self.receives = [tensor["name"] for tensor in about["receives"]]
        self.sends = [tensor["name"] for tensor in about["sends"]]
        self.loss = about.get("loss")
        self.states = about["states"]
        self.inputs = {f"input{place}": name for place, name in enumerate(inputs)}
        self.names = {}
        self.constants = {
            tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()).to(device) for tensor in graph.initializer
        }
        for place, (name, spec) in enumerate(about["parameters"].items()):
            self.names[name] = f"p{place}"
            filled = torch.full(spec["shape"], spec.get("fill", 0), dtype=DTYPES[spec["dtype"]])
            value = (weights[name] if name in weights else filled).to(device)
            if spec["trainable"]:
                self.register_parameter(f"p{place}", torch.nn.Parameter(value))
            else:
                self.register_buffer(f"p{place}", value)
        self.steps = [
            (OPERATORS[node.op_type], list(node.input), list(node.output), {a.name: attribute(a) for a in node.attribute})
            for node in graph.node
        ]

    def forward(self, *received, **inputs):
        received = [Received.apply(tensor) for tensor in received]
        values = {"": None, **self.constants, **dict(zip(self.receives, received))}
        values.update({self.inputs[place]: value for place, value in inputs.items()})
        values.update({name: getattr(self, own) for name, own in self.names.items()})
        for run, reads, writes, attrs in self.steps:
            outputs = run([values[name] for name in reads], attrs)
            outputs = outputs if isinstance(outputs, (tuple, list)) else [outputs]
            values.update(zip(writes, outputs))
        for name, source in self.states.items():
            self._buffers[self.names[name]] = values[source].detach()
        results = [values[name] for name in self.sends] if self.loss is None else [values[self.loss].reshape(1)]
        results = [result.contiguous() for result in results]
        if received:
            results[0] = Touching.apply(results[0], *received)
        return tuple(results) if len(results) > 1 else results[0]

    def trained(self):
        """Parameters by their names in the model."""
        return {name: getattr(self, own).detach().cpu() for name, own in self.names.items()}


def attribute(entry):
    """A number, a text or a list of numbers."""
    value = onnx.helper.get_attribute_value(entry)
    if isinstance(value, bytes):
        return value.decode()
    return list(value) if hasattr(value, "__len__") else value
