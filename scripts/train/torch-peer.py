"""One rank of the GPT of bench-train under torch.distributed.pipelining: 1F1B over Gloo, AdamW, one thread.

Usage: torch-peer.py RANK PORT SIZES, with SIZES as JSON: layers, width, heads, sequence, batch, vocabulary, microbatches,
firstLayers (layers of rank 0). Prints one JSON line when ready and one after each step; a step begins when a line comes in.
"""

import json
import os
import sys

import torch
import torch.distributed as dist
from torch.distributed.pipelining import PipelineStage, Schedule1F1B
from torch_gpt import First, Last, loss_of

rank, port, sizes = int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
sequence, vocabulary = sizes["sequence"], sizes["vocabulary"]

torch.set_num_threads(1)
torch.manual_seed(rank)
os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
dist.init_process_group("gloo", rank=rank, world_size=2)
module = First(sizes) if rank == 0 else Last(sizes)
optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, weight_decay=0.01)
stage = PipelineStage(module, rank, 2, torch.device("cpu"))
schedule = Schedule1F1B(stage, sizes["microbatches"], loss_fn=loss_of)
rows = sizes["batch"] * sizes["microbatches"]
print(json.dumps({"ready": torch.__version__}), flush=True)
for _ in sys.stdin:
    text = torch.randint(0, vocabulary, (rows, sequence + 1))
    optimizer.zero_grad()
    losses = []
    if rank == 0:
        schedule.step(text[:, :-1].contiguous())
    else:
        schedule.step(target=text[:, 1:].contiguous(), losses=losses)
    optimizer.step()
    print(json.dumps({"losses": [loss.item() for loss in losses]}), flush=True)
dist.destroy_process_group()
