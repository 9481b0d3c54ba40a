"""Writes fixtures/reference/half: half-precision models with outputs, gradients and curves from torch in float64.

Each model is written once: `Traced` computes with torch and notes the ONNX nodes. Weights and inputs are rounded to half
first, so that the reference is exact for what the file holds.
Made with torch 2.13, onnx 1.23: python3 scripts/make-half-reference.py
"""

import hashlib
import json
import pathlib

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper

FOLDER = pathlib.Path(__file__).parent.parent / "fixtures" / "reference" / "half"
STEPS, MICROBATCHES, RATE, MOMENTUM = 10, 4, 0.05, 0.9
HALVES = {"float16": (torch.float16, TensorProto.FLOAT16), "bfloat16": (torch.bfloat16, TensorProto.BFLOAT16)}


class Traced:
    """Nodes, initializers and constants of one ONNX model, and the torch values behind the names."""

    def __init__(self, half, weights, dtype):
        self.half, self.code = HALVES[half]
        self.dtype, self.weights = dtype, weights
        self.nodes, self.values = [], {}

    def give(self, name, value):
        self.values[name] = value
        return name

    def weight(self, name):
        return self.give(name, self.weights[name])

    def node(self, op, inputs, result, **attributes):
        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return self.give(name, result)

    def constant(self, array, code):
        tensor = helper.make_tensor("", code, list(np.shape(array)), np.ravel(array).tolist())
        return self.node("Constant", [], torch.tensor(array, dtype=self.dtype), value=tensor)

    def call(self, op, inputs, compute, **attributes):
        return self.node(op, inputs, compute(*(self.values[name] for name in inputs)), **attributes)

    def cast(self, name, code):
        return self.node("Cast", [name], self.values[name], to=code)


def random(generator, *shape, scale=1.0, half=None):
    values = torch.randn(*shape, generator=generator, dtype=torch.float64) * scale
    return values.to(HALVES[half][0] if half else torch.float32).double()


def mlp(half, generator):
    weights = {
        "0.weight": random(generator, 6, 9, scale=0.4, half=half),
        "0.bias": random(generator, 6, scale=0.4, half=half),
        "2.weight": random(generator, 3, 6, scale=0.4, half=half),
        "2.bias": random(generator, 3, scale=0.4, half=half),
    }

    def forward(t, x):
        hidden = t.call("Gemm", [x, t.weight("0.weight"), t.weight("0.bias")], torch.nn.functional.linear, transB=1)
        hidden = t.call("Tanh", [hidden], torch.tanh)
        return t.call("Gemm", [hidden, t.weight("2.weight"), t.weight("2.bias")], torch.nn.functional.linear, transB=1)

    return weights, forward, (9,), (3,), {"0.weight"}


def attention(half, generator):
    """Masks that a half can only just hold: -65504, and -1e9, which becomes minus infinity. Normalisation is float32."""
    width, length = 8, 5
    weights = {name: random(generator, width, width, scale=0.5, half=half) for name in ("q", "k", "v", "out")}
    weights["norm.weight"] = 1 + random(generator, width, scale=0.1)
    weights["norm.bias"] = random(generator, width, scale=0.1)

    def forward(t, x):
        wide = t.cast(x, TensorProto.FLOAT)
        normal = t.call(
            "LayerNormalization",
            [wide, t.weight("norm.weight"), t.weight("norm.bias")],
            lambda a, w, b: torch.nn.functional.layer_norm(a, (width,), w, b, 1e-5),
            epsilon=1e-5,
        )
        narrow = t.cast(normal, t.code)
        q, k, v = (t.call("MatMul", [narrow, t.weight(name)], torch.matmul) for name in ("q", "k", "v"))
        turned = t.call("Transpose", [k], lambda a: a.transpose(1, 2), perm=[0, 2, 1])
        scores = t.call("MatMul", [q, turned], torch.matmul)
        causal = t.constant(np.tril(np.ones((length, length), bool)), TensorProto.BOOL)
        t.values[causal] = t.values[causal].bool()
        lowest = t.constant(-65504.0, t.code)
        masked = t.call("Where", [causal, scores, lowest], torch.where)
        far = t.constant(np.where(np.arange(length) == 3, -1e9, 0.0).astype(np.float32), TensorProto.FLOAT)
        bias = t.cast(far, t.code)
        t.values[bias] = t.values[far].to(t.half).to(t.dtype)
        biased = t.call("Add", [masked, bias], torch.add)
        shares = t.call("Softmax", [biased], lambda a: torch.softmax(a, -1), axis=-1)
        mixed = t.call("MatMul", [shares, v], torch.matmul)
        return t.call("Add", [x, t.call("MatMul", [mixed, t.weight("out")], torch.matmul)], torch.add)

    return weights, forward, (length, width), (length, width), set()


def convolution(half, generator):
    weights = {
        "conv.weight": random(generator, 4, 2, 3, 3, scale=0.4, half=half),
        "conv.bias": random(generator, 4, scale=0.4, half=half),
        "head.weight": random(generator, 4, 3, scale=0.4, half=half),
    }

    def forward(t, x):
        maps = t.call(
            "Conv",
            [x, t.weight("conv.weight"), t.weight("conv.bias")],
            lambda a, w, b: torch.nn.functional.conv2d(a, w, b, padding=1),
            pads=[1, 1, 1, 1],
        )
        gate = t.call("Sigmoid", [maps], torch.sigmoid)
        maps = t.call("Mul", [maps, gate], torch.mul)
        pooled = t.call("GlobalAveragePool", [maps], lambda a: a.mean((2, 3), keepdim=True))
        flat = t.call("Flatten", [pooled], lambda a: a.flatten(1))
        return t.call("MatMul", [flat, t.weight("head.weight")], torch.matmul)

    return weights, forward, (2, 5, 6), (3,), set()


def run(half, weights, forward, x, target, dtype):
    own = {name: value.detach().to(dtype).clone().requires_grad_() for name, value in weights.items()}
    trace = Traced(half, own, dtype)
    given = x.to(dtype).clone().requires_grad_()
    output = forward(trace, trace.give("x", given))
    loss = ((trace.values[output] - target.to(dtype)) ** 2).mean()
    loss.backward()
    grads = {name: value.grad for name, value in own.items()}
    return trace, output, {"loss": loss, "output.y": trace.values[output], "input_grad.x": given.grad}, grads


def curve(half, weights, forward, batch, target, dtype):
    own = {name: value.clone() for name, value in weights.items()}
    velocity, losses = {}, []
    for _ in range(STEPS):
        parts = [
            run(half, own, forward, x, t, dtype)
            for x, t in zip(batch.chunk(MICROBATCHES), target.chunk(MICROBATCHES), strict=True)
        ]
        losses.append(sum(part[2]["loss"].item() for part in parts) / MICROBATCHES)
        for name in own:
            grad = sum(part[3][name] for part in parts) / MICROBATCHES
            velocity[name] = MOMENTUM * velocity[name] + grad if name in velocity else grad
            own[name] = own[name].to(dtype) - RATE * velocity[name]
    return losses


def tolerance(exact, single):
    scale = float(exact.detach().abs().max())
    deviation = float((exact - single.double()).detach().abs().max())
    return {"max_abs": scale, "max_abs_dev": deviation, "rel_dev": deviation / scale if scale else 0.0}


def save(path, tensors):
    header, data = {}, b""
    for name, value in sorted(tensors.items()):
        content = value.detach().to(torch.float32).numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def initializer(name, value, code, as_numbers):
    rounded = value.detach()
    if code == TensorProto.FLOAT:
        return helper.make_tensor(name, code, rounded.shape, rounded.float().numpy().tobytes(), raw=True)
    dtype = torch.float16 if code == TensorProto.FLOAT16 else torch.bfloat16
    bits = rounded.to(dtype).contiguous().view(torch.int16).numpy().view(np.uint16)
    if not as_numbers:
        return helper.make_tensor(name, code, rounded.shape, bits.tobytes(), raw=True)
    tensor = TensorProto(name=name, data_type=code, dims=rounded.shape)
    tensor.int32_data.extend(int(bit) for bit in bits.ravel())
    return tensor


def case(name, half, build, seed):
    generator = torch.Generator().manual_seed(seed)
    weights, forward, input_shape, target_shape, as_numbers = build(half, generator)
    batch = random(generator, 8, *input_shape, half=half)
    target = random(generator, 8, *target_shape, half=half)
    x, t = batch.chunk(MICROBATCHES)[0], target.chunk(MICROBATCHES)[0]
    trace, output, results, grads = run(half, weights, forward, x, t, torch.float64)
    _, _, single, single_grads = run(half, weights, forward, x, t, torch.float32)
    losses = curve(half, weights, forward, batch, target, torch.float64)
    single_losses = curve(half, weights, forward, batch, target, torch.float32)

    code = HALVES[half][1]
    trace.nodes.append(helper.make_node("Identity", [output], ["y"], name="result"))
    is_half = {w: bool((v.to(HALVES[half][0]).double() == v).all()) for w, v in weights.items()}
    graph = helper.make_graph(
        trace.nodes,
        name,
        [helper.make_tensor_value_info("x", code, x.shape)],
        [helper.make_tensor_value_info("y", code, t.shape)],
        [initializer(w, v, code if is_half[w] else TensorProto.FLOAT, w in as_numbers) for w, v in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    tensors = {**results, **{f"grad.{w}": g for w, g in grads.items()}}
    tensors |= {"input.x": x, "target.target": t, "batch.x": batch, "batch.target": target}
    save(folder / "reference.safetensors", tensors)
    form = {"dtype": half, "batch_axis": 0}
    about = {
        "schema": 1,
        "name": name,
        "inputs": {"x": {**form, "shape": list(x.shape)}},
        "targets": {"target": {**form, "shape": list(t.shape)}},
        "dynamic_axes": {},
        "loss": {"kind": "mse", "output": "y", "target": "target"},
        "trainable": list(weights),
        "tolerance": {
            "grad_scale": max(float(g.abs().max()) for g in grads.values()),
            "loss": tolerance(results["loss"], single["loss"]),
            "outputs": {"y": tolerance(results["output.y"], single["output.y"])},
            "grads": {w: tolerance(g, single_grads[w]) for w, g in grads.items()},
            "input_grads": {"x": tolerance(results["input_grad.x"], single["input_grad.x"])},
        },
        "curves": [
            {
                "optimizer": "sgd",
                "hyperparameters": {"lr": RATE, "momentum": MOMENTUM, "weight_decay": 0.0},
                "microbatches": MICROBATCHES,
                "losses": losses,
                "float32_rel_dev": [abs(a - b) / abs(a) for a, b in zip(losses, single_losses, strict=True)],
            }
        ],
    }
    (folder / "case.json").write_text(json.dumps(about, indent=1) + "\n")


case("mlp-float16", "float16", mlp, 1)
case("attention-float16", "float16", attention, 2)
case("attention-bfloat16", "bfloat16", attention, 3)
case("convolution-bfloat16", "bfloat16", convolution, 4)
files = sorted(path for path in FOLDER.rglob("*") if path.is_file() and path.suffix in (".onnx", ".json", ".safetensors"))
sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(FOLDER)}" for path in files]
(FOLDER / "SHA256SUMS").write_text("\n".join(sums) + "\n")
