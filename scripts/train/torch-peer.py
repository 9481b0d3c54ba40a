"""One rank of the GPT of bench-train under torch.distributed.pipelining: 1F1B over Gloo, AdamW, one thread.

Usage: torch-peer.py RANK PORT SIZES, with SIZES as JSON: layers, width, heads, sequence, batch, vocabulary, microbatches,
firstLayers (layers of rank 0). Prints one JSON line when ready and one after each step; a step begins when a line comes in.
"""

import json
import math
import os
import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.pipelining import PipelineStage, Schedule1F1B
from torch.nn import functional as F

rank, port, sizes = int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
width, heads, sequence, vocabulary = (sizes[key] for key in ("width", "heads", "sequence", "vocabulary"))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.before_attention = nn.LayerNorm(width)
        self.joined = nn.Linear(width, 3 * width)
        self.merged = nn.Linear(width, width)
        self.before_perceptron = nn.LayerNorm(width)
        self.inner = nn.Linear(width, 4 * width)
        self.outer = nn.Linear(4 * width, width)

    def forward(self, x):
        batch = x.shape[0]
        parts = self.joined(self.before_attention(x)).split(width, -1)
        q, k, v = (part.view(batch, sequence, heads, width // heads).transpose(1, 2) for part in parts)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.merged(mixed.transpose(1, 2).reshape(batch, sequence, width))
        return x + self.outer(F.gelu(self.inner(self.before_perceptron(x)), approximate="tanh"))


class First(nn.Module):
    """Embeddings and the first layers."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.randn(sequence, width) / 100)
        self.layers = nn.Sequential(*(Block() for _ in range(sizes["firstLayers"])))

    def forward(self, tokens):
        return self.layers(self.tokens(tokens) + self.positions)


class Last(nn.Module):
    """The other layers and the projection to words."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(*(Block() for _ in range(sizes["layers"] - sizes["firstLayers"])))
        self.normalize = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)

    def forward(self, x):
        return self.head(self.normalize(self.layers(x)))


torch.set_num_threads(1)
torch.manual_seed(rank)
os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
dist.init_process_group("gloo", rank=rank, world_size=2)
module = First() if rank == 0 else Last()
for name, parameter in module.named_parameters():
    if parameter.dim() > 1 and name != "positions":
        nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * sizes["layers"]) if "outer" in name else 0.02)
optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, weight_decay=0.01)
stage = PipelineStage(module, rank, 2, torch.device("cpu"))


def loss_of(logits, labels):
    return F.cross_entropy(logits.view(-1, vocabulary), labels.view(-1))


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
