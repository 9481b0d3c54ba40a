"""A stage of the pipeline as a torch module, from its ONNX graph (operator set 21, static shapes)."""

import json
import struct

import numpy
import onnx
import torch
from onnx import numpy_helper
from onnx_operators import OPERATORS

DTYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "int64": torch.int64,
    "int32": torch.int32,
    "bool": torch.bool,
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


class Carried(torch.autograd.Function):
    """`value` without a gradient as a number that has one: zeros, for what the pipeline sends back."""

    @staticmethod
    def forward(ctx, value, anchor):
        ctx.save_for_backward(anchor)
        return value

    @staticmethod
    def backward(ctx, gradient):
        return None, torch.zeros_like(ctx.saved_tensors[0])


class OnnxStage(torch.nn.Module):
    """One stage: tensors of the stage before as arguments, tensors for the next stage out.

    Inputs of the model come as input0, input1, ... in the order of `inputs`, their batch axis in front.
    """

    def __init__(self, folder, about, inputs, weights, device):
        super().__init__()
        graph = onnx.load(f"{folder}/{about['file']}").graph
        self.receives = about["receives"]
        self.sends = about["sends"]
        self.loss = about.get("loss")
        self.states = about["states"]
        self.inputs = {f"input{place}": spec for place, spec in enumerate(inputs)}
        self.names = {}
        self.constants = {
            tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()).to(device) for tensor in graph.initializer
        }
        for place, (name, spec) in enumerate(about["parameters"].items()):
            self.names[name] = f"p{place}"
            filled = torch.full(spec["shape"], spec.get("fill", 0), dtype=DTYPES[spec["dtype"]])
            value = (weights[name] if name in weights else filled).clone().to(device)
            if spec["trainable"]:
                self.register_parameter(f"p{place}", torch.nn.Parameter(value))
            else:
                self.register_buffer(f"p{place}", value)
        self.steps = [
            (OPERATORS[node.op_type], list(node.input), list(node.output), attributes(node))
            for node in graph.node
        ]

    def forward(self, *received, **inputs):
        received = [Received.apply(tensor) for tensor in received]
        values = {"": None, **self.constants}
        for spec, tensor in zip(self.receives, received):
            values[spec["name"]] = tensor.detach().to(DTYPES[spec["holds"]]) if "holds" in spec else tensor
        for place, value in inputs.items():
            axis = self.inputs[place]["batchAxis"]
            values[self.inputs[place]["name"]] = value.squeeze(0) if axis is None else value.movedim(0, axis)
        values.update({name: getattr(self, own) for name, own in self.names.items()})
        for run, reads, writes, attrs in self.steps:
            outputs = run([values[name] for name in reads], attrs)
            outputs = outputs if isinstance(outputs, (tuple, list)) else [outputs]
            values.update(zip(writes, outputs))
        for name, source in self.states.items():
            self._buffers[self.names[name]] = values[source].detach()
        anchor = next(iter([*received, *self.parameters()]), None)
        results = [self.sent(spec, values[spec["name"]], anchor) for spec in self.sends]
        results = results if self.loss is None else [values[self.loss].reshape(1)]
        results = [result.contiguous() for result in results]
        if received:
            results[0] = Touching.apply(results[0], *received)
        return tuple(results) if len(results) > 1 else results[0]

    def sent(self, spec, value, anchor):
        """The value as it is sent: what has no gradient goes as a number."""
        if "holds" not in spec:
            return value
        number = value.to(DTYPES[spec["dtype"]])
        return number.requires_grad_() if anchor is None else Carried.apply(number, anchor)

    def parameter(self, name):
        """A parameter by its name in the model; None when this stage has no copy."""
        return getattr(self, self.names[name]) if name in self.names else None

    def trained(self):
        """Parameters by their names in the model."""
        return {name: getattr(self, own).detach().cpu() for name, own in self.names.items()}


def attributes(node):
    """By name, with the number of outputs that are asked for."""
    return {"outputs": len(node.output), **{entry.name: attribute(entry) for entry in node.attribute}}


def attribute(entry):
    """A number, a text or a list of numbers."""
    value = onnx.helper.get_attribute_value(entry)
    if isinstance(value, bytes):
        return value.decode()
    return list(value) if hasattr(value, "__len__") else value
