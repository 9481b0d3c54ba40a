"""The GPT of bench-train in torch, in two parts. SIZES: layers, width, heads, sequence, vocabulary, firstLayers."""

import math

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        width = sizes["width"]
        self.width, self.heads, self.sequence = width, sizes["heads"], sizes["sequence"]
        self.before_attention = nn.LayerNorm(width)
        self.joined = nn.Linear(width, 3 * width)
        self.merged = nn.Linear(width, width)
        self.before_perceptron = nn.LayerNorm(width)
        self.inner = nn.Linear(width, 4 * width)
        self.outer = nn.Linear(4 * width, width)

    def forward(self, x):
        shape = (x.shape[0], self.sequence, self.heads, self.width // self.heads)
        parts = self.joined(self.before_attention(x)).split(self.width, -1)
        q, k, v = (part.view(shape).transpose(1, 2) for part in parts)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.merged(mixed.transpose(1, 2).reshape(x.shape))
        return x + self.outer(F.gelu(self.inner(self.before_perceptron(x)), approximate="tanh"))


class First(nn.Module):
    """Embeddings and the first layers."""

    def __init__(self, sizes):
        super().__init__()
        self.tokens = nn.Embedding(sizes["vocabulary"], sizes["width"])
        self.positions = nn.Parameter(torch.randn(sizes["sequence"], sizes["width"]) / 100)
        self.layers = nn.Sequential(*(Block(sizes) for _ in range(sizes["firstLayers"])))
        initialize(self, sizes)

    def forward(self, tokens):
        return self.layers(self.tokens(tokens) + self.positions)


class Last(nn.Module):
    """The other layers and the projection to words."""

    def __init__(self, sizes):
        super().__init__()
        self.layers = nn.Sequential(*(Block(sizes) for _ in range(sizes["layers"] - sizes["firstLayers"])))
        self.normalize = nn.LayerNorm(sizes["width"])
        self.head = nn.Linear(sizes["width"], sizes["vocabulary"], bias=False)
        initialize(self, sizes)

    def forward(self, x):
        return self.head(self.normalize(self.layers(x)))


def initialize(module, sizes):
    for name, parameter in module.named_parameters():
        if parameter.dim() > 1 and name != "positions":
            nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * sizes["layers"]) if "outer" in name else 0.02)


def loss_of(logits, labels):
    return F.cross_entropy(logits.view(-1, logits.shape[-1]), labels.view(-1))
