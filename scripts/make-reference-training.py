"""Writes fixtures/reference/training: training curves of torch with groups of parameters, learning-rate schedules,
clipped gradients, tied weights and running statistics, and the same models as ONNX files.

Made with torch 2.13.0 (CPU), onnx 1.23.1 and NumPy 2.4.6: python3 scripts/make-reference-training.py

Curves are in float64 from the float32 weights and samples of the files; `float32_rel_dev` says how far torch in float32
strays from them. Each step trains on the mean gradient of the microbatches, in order, as gradient accumulation does.
"""

import json
import math
import pathlib
import struct

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LinearLR, SequentialLR

FOLDER = pathlib.Path(__file__).parent.parent / "fixtures" / "reference" / "training"
MICROBATCHES = 3
STEPS = 12


def tied_weights(generator):
    """A table that embeds tokens and, transposed, projects back; LayerNorm and two linear layers between."""
    words, width, hidden, batch, length = 11, 6, 10, 4, 5
    normal = lambda *shape: (generator.standard_normal(shape) * 0.5).astype(np.float32)
    weights = {
        "table": normal(words, width),
        "norm.weight": np.ones(width, np.float32) + normal(width) / 8,
        "norm.bias": normal(width) / 8,
        "in.weight": normal(width, hidden),
        "in.bias": normal(hidden) / 8,
        "out.weight": normal(hidden, width),
        "out.bias": normal(width) / 8,
    }
    nodes = [
        helper.make_node("Gather", ["table", "tokens"], ["embedded"], axis=0),
        helper.make_node("LayerNormalization", ["embedded", "norm.weight", "norm.bias"], ["normal"], axis=-1),
        helper.make_node("MatMul", ["normal", "in.weight"], ["in"]),
        helper.make_node("Add", ["in", "in.bias"], ["shifted"]),
        helper.make_node("Tanh", ["shifted"], ["active"]),
        helper.make_node("MatMul", ["active", "out.weight"], ["out"]),
        helper.make_node("Add", ["out", "out.bias"], ["branch"]),
        helper.make_node("Add", ["embedded", "branch"], ["sum"]),
        helper.make_node("Transpose", ["table"], ["projection"], perm=[1, 0]),
        helper.make_node("MatMul", ["sum", "projection"], ["logits"]),
    ]
    samples = {
        "tokens": generator.integers(0, words, (MICROBATCHES * batch, length)),
        "labels": generator.integers(0, words, (MICROBATCHES * batch, length)),
    }
    model = model_of("tied-weights", nodes, weights, ("tokens", TensorProto.INT64, [batch, length]),
                     ("logits", [batch, length, words]))

    def loss(w, x, _mode):
        embedded = F.embedding(x["tokens"], w["table"])
        active = torch.tanh(F.layer_norm(embedded, (width,), w["norm.weight"], w["norm.bias"]) @ w["in.weight"] + w["in.bias"])
        logits = (embedded + active @ w["out.weight"] + w["out.bias"]) @ w["table"].T
        return F.cross_entropy(logits.reshape(-1, words), x["labels"].reshape(-1))

    vectors = [name for name, value in weights.items() if value.ndim < 2]
    runs = [
        run("adamw-groups-cosine-clip", adamw(0.02, 0.1), clip_norm=0.4,
            groups=[group(vectors, weight_decay=0.0), group(["table"], lr_scale=0.25)],
            schedule=schedule("cosine", warmup=3, start=0.1, total=STEPS)),
        run("sgd-groups-linear-clip", sgd(0.3, 0.9, 0.01), clip_norm=0.5,
            groups=[group(vectors, weight_decay=0.0, lr_scale=2.0)], schedule=schedule("linear", warmup=2, total=10, floor=0.2)),
        run("adamw-warmup", adamw(0.01, 0.01), schedule=schedule("constant", warmup=4)),
        run("sgd-cosine-floor", sgd(0.2, 0.0, 0.0), schedule=schedule("cosine", total=STEPS, floor=0.1)),
    ]
    return "tied-weights", model, weights, samples, "softmax-cross-entropy:logits=labels,axis=-1", loss, runs


def running_statistics(generator):
    """Convolution, BatchNormalization, mean over pixels, linear layer. The file says inference."""
    batch, image, channels, classes = 4, 5, 4, 3
    normal = lambda *shape: (generator.standard_normal(shape) * 0.5).astype(np.float32)
    weights = {
        "conv.weight": normal(channels, 3, 3, 3),
        "norm.weight": np.ones(channels, np.float32) + normal(channels) / 4,
        "norm.bias": normal(channels) / 4,
        "norm.mean": normal(channels) / 4,
        "norm.variance": (1 + 0.5 * np.abs(generator.standard_normal(channels))).astype(np.float32),
        "head.weight": normal(channels, classes),
        "head.bias": normal(classes) / 8,
    }
    statistics = ["norm.mean", "norm.variance"]
    nodes = [
        helper.make_node("Conv", ["image", "conv.weight"], ["features"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["features", "norm.weight", "norm.bias", *statistics], ["normal"],
                         epsilon=1e-5, momentum=0.9),
        helper.make_node("Relu", ["normal"], ["active"]),
        helper.make_node("ReduceMean", ["active"], ["pooled"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["pooled", "head.weight"], ["product"]),
        helper.make_node("Add", ["product", "head.bias"], ["logits"]),
    ]
    samples = {
        "image": (generator.standard_normal((MICROBATCHES * batch, 3, image, image)) + 0.3).astype(np.float32),
        "labels": generator.integers(0, classes, MICROBATCHES * batch),
    }
    model = model_of("running-statistics", nodes, weights, ("image", TensorProto.FLOAT, [batch, 3, image, image]),
                     ("logits", [batch, classes]))

    def loss(w, x, mode):
        features = F.conv2d(x["image"], w["conv.weight"], padding=1)
        normed = F.batch_norm(features, w["norm.mean"], w["norm.variance"], w["norm.weight"], w["norm.bias"],
                              training=mode == "train", momentum=0.1, eps=1e-5)
        return F.cross_entropy(torch.relu(normed).mean((2, 3)) @ w["head.weight"] + w["head.bias"], x["labels"])

    runs = [
        run("train", sgd(0.2, 0.9, 0.01), clip_norm=0.2, batch_norm="train", fixed=statistics),
        run("frozen", sgd(0.2, 0.9, 0.01), clip_norm=0.2, batch_norm="frozen", fixed=statistics),
    ]
    return "running-statistics", model, weights, samples, "softmax-cross-entropy:logits=labels", loss, runs


def model_of(name, nodes, weights, given, made):
    graph = helper.make_graph(
        nodes, name,
        [helper.make_tensor_value_info(given[0], given[1], given[2])],
        [helper.make_tensor_value_info(made[0], TensorProto.FLOAT, made[1])],
        [numpy_helper.from_array(value, key) for key, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def adamw(lr, weight_decay):
    return {"kind": "adamw", "lr": lr, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "weight_decay": weight_decay}


def sgd(lr, momentum, weight_decay):
    return {"kind": "sgd", "lr": lr, "momentum": momentum, "weight_decay": weight_decay}


def group(parameters, **settings):
    return {"parameters": parameters, **settings}


def schedule(kind, warmup=0, start=0.0, total=None, floor=0.0):
    return {"kind": kind, "warmup": warmup, "warmup_start": start, "total": total, "floor": floor}


def run(name, optimizer, clip_norm=None, groups=(), schedule=None, batch_norm=None, fixed=()):
    return {"name": name, "optimizer": optimizer, "clip_norm": clip_norm, "groups": list(groups), "schedule": schedule,
            "batch_norm": batch_norm, "fixed": list(fixed)}


def scheduler_of(optimizer, spec):
    """torch's own schedulers where they have the schedule; Hugging Face's rule for the straight line."""
    if spec is None:
        return LambdaLR(optimizer, lambda _: 1.0)
    warmup, start, total, floor = spec["warmup"], spec["warmup_start"], spec["total"], spec["floor"]
    if spec["kind"] == "cosine":
        lowest = floor * optimizer.param_groups[0]["lr"]
        assert floor == 0 or len(optimizer.param_groups) == 1
        falling = CosineAnnealingLR(optimizer, T_max=total - warmup, eta_min=lowest)
        if warmup == 0:
            return falling
        rising = LinearLR(optimizer, start_factor=start, total_iters=warmup)
        return SequentialLR(optimizer, [rising, falling], milestones=[warmup])
    def factor(step):
        if step < warmup:
            return start + (1 - start) * step / warmup
        if spec["kind"] == "constant":
            return 1.0
        return floor + (1 - floor) * max(0.0, (total - step) / (total - warmup))
    return LambdaLR(optimizer, factor)


def train(weights, samples, loss_of, spec, dtype):
    """Losses, norms and learning rates of every step, and the weights after the last."""
    tensors = {name: torch.tensor(value, dtype=dtype, requires_grad=name not in spec["fixed"]) for name, value in weights.items()}
    data = {name: torch.tensor(value) for name, value in samples.items()}
    data = {name: value.to(dtype) if value.is_floating_point() else value for name, value in data.items()}
    cut = [dict(zip(data, parts)) for parts in zip(*(value.chunk(MICROBATCHES) for value in data.values()))]
    settings = spec["optimizer"]
    taken, groups = set(), []
    for own in spec["groups"]:
        names = [name for name in own["parameters"] if name not in taken]
        taken.update(names)
        groups.append({"params": [tensors[name] for name in names], "lr": settings["lr"] * own.get("lr_scale", 1.0),
                       "weight_decay": own.get("weight_decay", settings["weight_decay"])})
    rest = [value for name, value in tensors.items() if name not in taken and value.requires_grad]
    groups.insert(0, {"params": rest})
    if settings["kind"] == "sgd":
        optimizer = torch.optim.SGD(groups, lr=settings["lr"], momentum=settings["momentum"], weight_decay=settings["weight_decay"])
    else:
        optimizer = torch.optim.AdamW(groups, lr=settings["lr"], betas=(settings["beta1"], settings["beta2"]),
                                      eps=settings["epsilon"], weight_decay=settings["weight_decay"])
    scheduler = scheduler_of(optimizer, spec["schedule"])
    trained = [value for value in tensors.values() if value.requires_grad]
    losses, norms, rates = [], [], []
    for _ in range(STEPS):
        optimizer.zero_grad()
        total = 0.0
        for part in cut:
            loss = loss_of(tensors, part, spec["batch_norm"])
            (loss / MICROBATCHES).backward()
            total += loss.item()
        losses.append(total / MICROBATCHES)
        norm = torch.nn.utils.clip_grad_norm_(trained, spec["clip_norm"] or math.inf)
        norms.append(norm.item())
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return losses, norms, rates, {name: value.detach().numpy().copy() for name, value in tensors.items()}


def relative(got, wanted):
    return [abs(a - b) / abs(b) for a, b in zip(got, wanted)]


def write_safetensors(path, tensors):
    names = {"float32": "F32", "int64": "I64"}
    header, parts, at = {}, [], 0
    for name, value in tensors.items():
        raw = np.ascontiguousarray(value).tobytes()
        header[name] = {"dtype": names[str(value.dtype)], "shape": list(value.shape), "data_offsets": [at, at + len(raw)]}
        parts.append(raw)
        at += len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))


def main():
    torch.manual_seed(0)
    torch.use_deterministic_algorithms(True)
    torch.backends.mkldnn.enabled = False
    for index, build in enumerate([tied_weights, running_statistics]):
        name, model, weights, samples, loss_spec, loss_of, runs = build(np.random.default_rng(index + 1))
        folder = FOLDER / name
        folder.mkdir(parents=True, exist_ok=True)
        onnx.save(model, folder / "model.onnx")
        tensors = {f"batch.{key}": value for key, value in samples.items()}
        described = []
        for spec in runs:
            losses, norms, rates, after = train(weights, samples, loss_of, spec, torch.float64)
            losses32, norms32, _, after32 = train(weights, samples, loss_of, spec, torch.float32)
            changes = {}
            for key, value in after.items():
                tensors[f"{spec['name']}.{key}"] = value.astype(np.float32)
                scale = float(np.abs(value).max())
                changes[key] = float(np.abs(after32[key] - value).max()) / scale
            described.append({**spec, "losses": losses, "norms": norms, "learning_rates": rates,
                              "float32_rel_dev": {"losses": relative(losses32, losses), "norms": relative(norms32, norms),
                                                  "weights": changes}})
        write_safetensors(folder / "reference.safetensors", tensors)
        about = {
            "made_by": f"scripts/make-reference-training.py with torch {torch.__version__}, onnx {onnx.__version__}, NumPy {np.__version__}",
            "loss": loss_spec,
            "microbatches": MICROBATCHES,
            "runs": described,
        }
        (folder / "case.json").write_text(json.dumps(about, indent=1) + "\n")


main()
