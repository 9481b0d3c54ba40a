"""CPU time of torch's kernels in a forward and backward pass of one microbatch of the GPT of bench-train, one thread.

Usage: torch-nodes.py RUNS SIZES, with SIZES as for torch-peer.py. Prints a JSON object: ms by kernel, least of the runs.
"""

import json
import sys
from collections import defaultdict

import torch
from torch.profiler import ProfilerActivity, profile
from torch_gpt import First, Last, loss_of

runs, sizes = int(sys.argv[1]), json.loads(sys.argv[2])
torch.set_num_threads(1)
first, last = First(sizes), Last(sizes)
text = torch.randint(0, sizes["vocabulary"], (sizes["batch"], sizes["sequence"] + 1))
least = {}
for run in range(runs + 1):
    with profile(activities=[ProfilerActivity.CPU]) as trace:
        loss_of(last(first(text[:, :-1].contiguous())), text[:, 1:].contiguous()).backward()
    times = defaultdict(float)
    for event in trace.key_averages():
        times[event.key] += event.self_cpu_time_total / 1e3
    if run > 0:
        for key, ms in times.items():
            least[key] = min(ms, least.get(key, ms))
print(json.dumps(least))
