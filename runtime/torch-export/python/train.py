"""Trains the exported pipeline with torch.distributed.pipelining: torchrun --nproc-per-node RANKS train.py [options].

Ranks are the devices of the plan. Stages come from stages/, the order of actions from schedule.csv, start weights from
weights.safetensors, everything else from pipeline.json. Needs torch 2.4 or newer, numpy and onnx.
"""

import argparse
import json
import os
import time

import numpy
import torch
import torch.distributed as dist
from onnx_stage import DTYPES, OnnxStage, read_safetensors
from torch.distributed.pipelining import PipelineStage
from torch.distributed.pipelining.schedules import _PipelineScheduleRuntime

FOLDER = os.path.dirname(os.path.abspath(__file__))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", help=".npz with an array for every input; random samples if it is left out")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--out", help=".npz for the trained parameters of all ranks")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args()


def random_samples(spec, generator):
    shape = [64 * size if axis == spec["batchAxis"] else size for axis, size in enumerate(spec["shape"])]
    if spec["dtype"].startswith("float"):
        return torch.randn(shape, generator=generator).to(DTYPES[spec["dtype"]])
    return torch.randint(0, spec.get("below", 2), shape, generator=generator).to(DTYPES[spec["dtype"]])


def samples(pipeline, path):
    """All samples of every input, along its batch axis."""
    if path is None:
        generator = torch.Generator().manual_seed(0)
        return {spec["name"]: random_samples(spec, generator) for spec in pipeline["inputs"]}
    arrays = numpy.load(path)
    return {spec["name"]: torch.from_numpy(arrays[spec["name"]]).to(DTYPES[spec["dtype"]]) for spec in pipeline["inputs"]}


def batch_of(data, pipeline, names, step, device):
    """The samples of a step of the inputs `names`, in the order of the data, again from the start at its end.

    Keys are "input0", "input1", ...: a name of the model may be one that torch has for something else. The axis that is cut
    into microbatches is in front; what all microbatches share is there once for each.
    """
    batch = {}
    for place, spec in enumerate(pipeline["inputs"]):
        if spec["name"] not in names:
            continue
        all_samples, axis = data[spec["name"]], spec["batchAxis"]
        if axis is None:
            batch[f"input{place}"] = all_samples.expand(pipeline["microbatches"], *spec["shape"]).to(device)
            continue
        all_samples = all_samples.movedim(axis, 0)
        count = spec["shape"][axis] * pipeline["microbatches"]
        rows = torch.arange(step * count, (step + 1) * count) % len(all_samples)
        batch[f"input{place}"] = all_samples[rows].to(device)
    return batch


def sum_shared(pipeline, modules, device):
    """Gives every copy of a weight that stages share the sum of the gradients of all copies, so that copies stay equal."""
    for spec in pipeline["shared"]:
        copies = [copy for copy in (module.parameter(spec["name"]) for module in modules) if copy is not None]
        total = torch.zeros(spec["shape"], dtype=DTYPES[spec["dtype"]], device=device)
        for copy in copies:
            total += 0 if copy.grad is None else copy.grad
        dist.all_reduce(total)
        for copy in copies:
            copy.grad = total.clone()


def examples(specs, device):
    """Tensors of the shapes that pass between stages."""
    options = {"device": device, "requires_grad": True}
    return tuple(torch.zeros(spec["shape"], dtype=DTYPES[spec["dtype"]], **options) for spec in specs)


def optimizer_of(parameters, settings):
    if settings["kind"] == "sgd":
        return torch.optim.SGD(parameters, settings["learningRate"], settings["momentum"], 0, settings["weightDecay"])
    betas = (settings["beta1"], settings["beta2"])
    return torch.optim.AdamW(parameters, settings["learningRate"], betas, settings["epsilon"], settings["weightDecay"])


def main():
    options = arguments()
    with open(f"{FOLDER}/pipeline.json", encoding="utf8") as file:
        pipeline = json.load(file)
    backend = "nccl" if options.device == "cuda" else "gloo"
    dist.init_process_group(backend)
    rank = dist.get_rank()
    if dist.get_world_size() != pipeline["ranks"]:
        raise SystemExit(f"train.py: got {dist.get_world_size()} ranks, expected {pipeline['ranks']}.")
    device = torch.device(options.device, int(os.environ.get("LOCAL_RANK", 0)) if options.device == "cuda" else None)
    weights = read_safetensors(f"{FOLDER}/weights.safetensors")
    own = [about for about in pipeline["stages"] if about["rank"] == rank]
    modules, stages = [], []
    for about in own:
        module = OnnxStage(FOLDER, about, pipeline["inputs"], weights, device)
        sends = about["sends"] or [{"shape": [1], "dtype": "float32"}]
        shapes = {"input_args": examples(about["receives"], device), "output_args": examples(sends, device)}
        modules.append(module)
        stages.append(PipelineStage(module, about["index"], len(pipeline["stages"]), device, **shapes))
    schedule = _PipelineScheduleRuntime(stages, pipeline["microbatches"], loss_fn=lambda loss, _: loss.mean())
    schedule._load_csv(f"{FOLDER}/schedule.csv", format="compute_only")
    parameters = [parameter for module in modules for parameter in module.parameters()]
    optimizer = optimizer_of(parameters, pipeline["optimizer"]) if parameters else None
    data = samples(pipeline, options.data)
    names = {name for about in own for name in about["inputs"]}
    is_last = any(about["index"] == len(pipeline["stages"]) - 1 for about in own)
    for step in range(options.steps):
        started = time.perf_counter()
        for parameter in parameters:
            parameter.grad = None
        batch = batch_of(data, pipeline, names, step, device)
        losses = []
        target = {"target": torch.zeros(pipeline["microbatches"], device=device), "losses": losses} if is_last else {}
        schedule.step(**batch, **target)
        sum_shared(pipeline, modules, device)
        if optimizer:
            optimizer.step()
        if is_last:
            loss = sum(value.item() for value in losses) / len(losses)
            ms = 1000 * (time.perf_counter() - started)
            print(json.dumps({"step": step + 1, "loss": loss, "ms": ms}), flush=True)
    if options.out:
        parts = [None] * dist.get_world_size()
        mine = {name: value.numpy() for module in modules for name, value in module.trained().items()}
        dist.all_gather_object(parts, mine)
        if rank == 0:
            numpy.savez(options.out, **{name: value for part in parts for name, value in part.items()})
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
