"""Runs schedule files in PyTorch's own pipeline engine on Gloo and compares gradients with one process.

Usage: run-csv.py FOLDER. FOLDER/cases.json is a list of {name, file, form, stages, microbatches, devices, placement},
all for the same number of devices.
Prints a JSON list of {name, difference} or {name, error}: the largest difference of a gradient over all ranks.
"""

import datetime
import json
import os
import sys

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.distributed.pipelining import PipelineStage
from torch.distributed.pipelining.schedules import _PipelineScheduleRuntime

SIZE = 8
ROWS = 4


def model(stages):
    torch.manual_seed(0)
    return [torch.nn.Sequential(torch.nn.Linear(SIZE, SIZE), torch.nn.Tanh()) for _ in range(stages)]


def batch(microbatches, seed):
    return torch.randn(ROWS * microbatches, SIZE, generator=torch.Generator().manual_seed(seed))


def difference(case, rank, folder):
    stages, microbatches = case["stages"], case["microbatches"]
    modules = model(stages)
    own = [stage for stage in range(stages) if case["placement"][stage] == rank]
    examples = {
        stage: {
            "input_args": torch.zeros(ROWS, SIZE, requires_grad=stage > 0),
            "output_args": torch.zeros(ROWS, SIZE, requires_grad=True),
        }
        for stage in own
    }
    parts = [PipelineStage(modules[stage], stage, stages, torch.device("cpu"), **examples[stage]) for stage in own]
    loss = torch.nn.MSELoss()
    runtime = _PipelineScheduleRuntime(parts, microbatches, loss_fn=loss)
    runtime._load_csv(os.path.join(folder, case["file"]), format=case["form"])
    x, y = batch(microbatches, 1), batch(microbatches, 2)
    arguments = (x,) if 0 in own else ()
    runtime.step(*arguments, **({"target": y, "losses": []} if stages - 1 in own else {}))
    alone = model(stages)
    for microbatch in range(microbatches):
        rows = slice(ROWS * microbatch, ROWS * (microbatch + 1))
        value = x[rows]
        for module in alone:
            value = module(value)
        (loss(value, y[rows]) / microbatches).backward()
    pairs = [
        (ours.grad, theirs.grad)
        for stage in own
        for ours, theirs in zip(modules[stage].parameters(), alone[stage].parameters())
    ]
    return max((ours - theirs).abs().max().item() for ours, theirs in pairs)


def work(rank, cases, folder):
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo",
        init_method=f"file://{folder}/store",
        rank=rank,
        world_size=cases[0]["devices"],
        timeout=datetime.timedelta(seconds=60),
    )
    results = []
    for case in cases:
        try:
            results.append({"difference": difference(case, rank, folder)})
        except Exception as error:  # reported, and judged by the caller; the ranks are out of step now
            results.append({"error": f"{type(error).__name__}: {error}"})
            break
    with open(f"{folder}/results.{rank}", "w", encoding="utf8") as file:
        json.dump(results, file)
    dist.destroy_process_group()


def main(folder):
    with open(f"{folder}/cases.json", encoding="utf8") as file:
        cases = json.load(file)
    devices = cases[0]["devices"]
    mp.spawn(work, args=(cases, folder), nprocs=devices)
    ranks = []
    for rank in range(devices):
        with open(f"{folder}/results.{rank}", encoding="utf8") as file:
            ranks.append(json.load(file))
    results = []
    for index, case in enumerate(cases):
        of_case = [results[index] if index < len(results) else {"error": "not run"} for results in ranks]
        errors = [result["error"] for result in of_case if "error" in result]
        worst = {"error": errors[0]} if errors else {"difference": max(r["difference"] for r in of_case)}
        results.append({"name": case["name"], **worst})
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1])
