"""Writes case folders of Hugging Face architectures, small and with random weights, as both exporters of PyTorch write
them: gradients and training curves of torch in float64, and how far torch in float32 strays from them.

    python3 scripts/make-transformers-cases.py DIR [NAME ...]
    npm run -s check:models -- DIR --stages 3

Needs torch, onnx, onnxscript, transformers and safetensors; made with torch 2.13.0 (CPU), onnx 1.23.1, onnxscript 0.7.2
and transformers 5.18.0. A line says what an exporter refuses, and what ONNX refuses of its files.
"""

import copy
import json
import logging
import pathlib
import sys
import warnings

import onnx
import torch
import torch.nn.functional as F
import transformers as T
from safetensors.torch import save_file

MICROBATCHES = 2
STEPS = 6
HYPERPARAMETERS = {
    "sgd": {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.0},
    "adamw": {"lr": 0.002, "betas": [0.9, 0.999], "eps": 1e-6, "weight_decay": 0.01},
}
ZERO = 1e-7
"""A gradient below this share of the largest one is zero but for rounding."""

WORDS = 96
TEXT = dict(vocab_size=WORDS, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64)
ENCODER = dict(**TEXT, max_position_embeddings=64)
DECODER = dict(**ENCODER, use_cache=False)
GROUPED = dict(**DECODER, num_key_value_heads=2)
IMAGE = dict(num_labels=10)


def tokens(batch, generator):
    return torch.randint(2, WORDS, (batch, 16), generator=generator)


def floats(*shape):
    return lambda batch, generator: torch.randn((batch, *shape), generator=generator)


image = floats(3, 32, 32)

# Name: model class, configuration, samples, the output that is trained.
ARCHITECTURES = {
    "albert": (T.AlbertForMaskedLM, T.AlbertConfig(**ENCODER, embedding_size=16), tokens, "logits"),
    "bert": (T.BertForSequenceClassification, T.BertConfig(**ENCODER), tokens, "logits"),
    "bloom": (T.BloomForCausalLM, T.BloomConfig(vocab_size=WORDS, hidden_size=32, n_layer=2, n_head=4, use_cache=False), tokens, "logits"),
    "convnext": (T.ConvNextForImageClassification, T.ConvNextConfig(hidden_sizes=[16, 32], depths=[1, 1], num_stages=2, **IMAGE), image, "logits"),
    "deberta-v2": (T.DebertaV2ForSequenceClassification, T.DebertaV2Config(**ENCODER, relative_attention=True, pos_att_type=["c2p", "p2c"], type_vocab_size=0), tokens, "logits"),
    "distilbert": (T.DistilBertForMaskedLM, T.DistilBertConfig(vocab_size=WORDS, dim=32, n_layers=2, n_heads=4, hidden_dim=64, max_position_embeddings=64), tokens, "logits"),
    "electra": (T.ElectraForPreTraining, T.ElectraConfig(**ENCODER, embedding_size=16), tokens, "logits"),
    "gemma": (T.GemmaForCausalLM, T.GemmaConfig(**GROUPED, head_dim=8), tokens, "logits"),
    "gpt2": (T.GPT2LMHeadModel, T.GPT2Config(vocab_size=WORDS, n_embd=32, n_layer=2, n_head=4, n_positions=64, use_cache=False), tokens, "logits"),
    "llama": (T.LlamaForCausalLM, T.LlamaConfig(**GROUPED), tokens, "logits"),
    "mamba": (T.MambaForCausalLM, T.MambaConfig(vocab_size=WORDS, hidden_size=32, state_size=8, num_hidden_layers=2, use_cache=False), tokens, "logits"),
    "mistral": (T.MistralForCausalLM, T.MistralConfig(**GROUPED), tokens, "logits"),
    "mixtral": (T.MixtralForCausalLM, T.MixtralConfig(**GROUPED, num_local_experts=4), tokens, "logits"),
    "mobilevit": (T.MobileViTForImageClassification, T.MobileViTConfig(image_size=64, hidden_sizes=[16, 24, 32], neck_hidden_sizes=[8, 8, 16, 16, 16, 16, 32], num_attention_heads=2, **IMAGE), floats(3, 64, 64), "logits"),
    "opt": (T.OPTForCausalLM, T.OPTConfig(vocab_size=WORDS, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, ffn_dim=64, max_position_embeddings=64, word_embed_proj_dim=32, use_cache=False), tokens, "logits"),
    "patchtst": (T.PatchTSTForPrediction, T.PatchTSTConfig(num_input_channels=3, context_length=32, prediction_length=8, patch_length=8, patch_stride=4, d_model=32, num_attention_heads=4, num_hidden_layers=2, ffn_dim=64), floats(32, 3), "prediction_outputs"),
    "phi": (T.PhiForCausalLM, T.PhiConfig(**DECODER), tokens, "logits"),
    "qwen2": (T.Qwen2ForCausalLM, T.Qwen2Config(**GROUPED), tokens, "logits"),
    "resnet": (T.ResNetForImageClassification, T.ResNetConfig(embedding_size=16, hidden_sizes=[16, 32], depths=[1, 1], **IMAGE), image, "logits"),
    "segformer": (T.SegformerForSemanticSegmentation, T.SegformerConfig(num_encoder_blocks=2, depths=[1, 1], sr_ratios=[2, 1], hidden_sizes=[16, 32], patch_sizes=[7, 3], strides=[4, 2], num_attention_heads=[1, 2], mlp_ratios=[2, 2], decoder_hidden_size=16, num_labels=5), image, "logits"),
    "swin": (T.SwinForImageClassification, T.SwinConfig(image_size=32, patch_size=2, embed_dim=16, depths=[2, 2], num_heads=[2, 4], window_size=4, **IMAGE), image, "logits"),
    "t5-encoder": (T.T5EncoderModel, T.T5Config(vocab_size=WORDS, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4), tokens, "last_hidden_state"),
    "vit": (T.ViTForImageClassification, T.ViTConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, image_size=32, patch_size=8, **IMAGE), image, "logits"),
    "wav2vec2": (T.Wav2Vec2ForCTC, T.Wav2Vec2Config(vocab_size=32, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, conv_dim=(16, 16), conv_stride=(5, 2), conv_kernel=(10, 3), num_feat_extract_layers=2, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4), floats(400), "logits"),
    "whisper-encoder": (T.models.whisper.modeling_whisper.WhisperEncoder, T.WhisperConfig(d_model=32, encoder_layers=2, encoder_attention_heads=4, encoder_ffn_dim=64, num_mel_bins=16, max_source_positions=32), floats(16, 64), "last_hidden_state"),
}  # fmt: skip


class Traced(torch.nn.Module):
    """One tensor in, one tensor out."""

    def __init__(self, model, output):
        super().__init__()
        self.model, self.output = model, output

    def forward(self, x):
        return getattr(self.model(x), self.output)


def built(name):
    """The model without dropout, with weights that all differ: an exporter merges equal ones."""
    kind, config, samples, output = ARCHITECTURES[name]
    torch.manual_seed(0)
    model = kind(config)
    for parameter in model.parameters():
        parameter.data.add_(0.02 * torch.randn_like(parameter))
    return Traced(model, output).eval(), samples


def export(model, x, path, exporter):
    form = dict(input_names=["x"], output_names=["y"])
    if exporter == "dynamo":
        torch.onnx.export(model, (x,), path, dynamo=True, external_data=False, verbose=False, optimize=False, **form)
    else:
        torch.onnx.export(model, (x,), path, dynamo=False, opset_version=17, do_constant_folding=False, **form)


def trainable(model, path):
    """Parameters that torch trains, by the name that the file has for them."""
    stored = {tensor.name for tensor in onnx.load(path).graph.initializer}
    found = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        is_new = not any(parameter is other for other in found.values())
        if name in stored and parameter.requires_grad and is_new:
            found[name] = parameter
    return found


def case(model, x, target, batch, targets, parameters, dtype):
    """Output, loss, gradients and curves from the weights as they are, computed in `dtype`."""
    model = copy.deepcopy(model).to(dtype)
    named = dict(model.named_parameters(remove_duplicate=False))
    cast = lambda value: value.to(dtype) if value.is_floating_point() else value
    loss_of = lambda y, wanted: F.mse_loss(y, cast(wanted)) if wanted.is_floating_point() else F.cross_entropy(y.flatten(0, -2), wanted.flatten())
    y = model(cast(x))
    loss = loss_of(y, target)
    loss.backward()
    grads = {name: (named[name].grad if named[name].grad is not None else torch.zeros_like(named[name])).double() for name in parameters}
    start = copy.deepcopy(model.state_dict())
    curves = {}
    for kind, settings in HYPERPARAMETERS.items():
        model.load_state_dict(start)
        optimizer = (torch.optim.SGD if kind == "sgd" else torch.optim.AdamW)([named[name] for name in parameters], **settings)
        losses = []
        for _ in range(STEPS):
            model.zero_grad()
            total = 0
            for part, wanted in zip(batch.chunk(MICROBATCHES), targets.chunk(MICROBATCHES)):
                share = loss_of(model(cast(part)), wanted) / MICROBATCHES
                share.backward()
                total += share.item()
            losses.append(total)
            optimizer.step()
        curves[kind] = losses
    return {"output": y.detach().double(), "loss": loss.detach().double(), "grads": grads, "curves": curves}


def tolerance(exact, single, largest=None):
    most = exact.abs().max().item()
    return {
        "max_abs": most,
        "rel_dev": (exact - single).abs().max().item() / (most or 1),
        "zero": largest is not None and most <= ZERO * largest,
    }


def write(folder, name, exporter):
    model, samples = built(name)
    generator = torch.Generator().manual_seed(1)
    x, batch = samples(2, generator), samples(2 * MICROBATCHES, generator)
    folder.mkdir(parents=True, exist_ok=True)
    export(model, x, str(folder / "model.onnx"), exporter)
    onnx.checker.check_model(str(folder / "model.onnx"), full_check=True)
    y = model(x)
    is_text = batch.dtype == torch.int64 and y.shape[-1] == WORDS
    draw = lambda n: (
        torch.randint(0, WORDS, (n, *y.shape[1:-1]), generator=generator)
        if is_text
        else torch.randn((n, *y.shape[1:]), generator=generator)
    )
    target, targets = draw(2), draw(2 * MICROBATCHES)
    parameters = trainable(model, folder / "model.onnx")
    exact, single = (case(model, x, target, batch, targets, parameters, dtype) for dtype in (torch.float64, torch.float32))
    largest = max(grad.abs().max().item() for grad in exact["grads"].values())
    loss = {"kind": "softmax_cross_entropy", "axis": -1} if is_text else {"kind": "mse"}
    about = {
        "name": f"{name}-{exporter}",
        "inputs": {"x": {"shape": list(x.shape), "batch_axis": 0}},
        "targets": {"target": {"shape": list(target.shape), "batch_axis": 0}},
        "dynamic_axes": {},
        "loss": {**loss, "output": "y", "target": "target"},
        "trainable": list(parameters),
        "tolerance": {
            "grad_scale": largest,
            "loss": tolerance(exact["loss"], single["loss"]),
            "outputs": {"y": tolerance(exact["output"], single["output"])},
            "grads": {key: tolerance(grad, single["grads"][key], largest) for key, grad in exact["grads"].items()},
            "input_grads": {},
        },
        "curves": [
            {
                "optimizer": kind,
                "hyperparameters": settings,
                "microbatches": MICROBATCHES,
                "losses": exact["curves"][kind],
                "float32_rel_dev": [abs(a - b) / abs(a) for a, b in zip(exact["curves"][kind], single["curves"][kind])],
            }
            for kind, settings in HYPERPARAMETERS.items()
        ],
    }
    (folder / "case.json").write_text(json.dumps(about, indent=1) + "\n")
    tensors = {"input.x": x, "target.target": target, "batch.x": batch, "batch.target": targets}
    tensors |= {"loss": exact["loss"].float(), "output.y": exact["output"].float()}
    tensors |= {f"grad.{key}": grad.float() for key, grad in exact["grads"].items()}
    save_file({key: value.contiguous() for key, value in tensors.items()}, folder / "reference.safetensors")


def main():
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    directory = pathlib.Path(sys.argv[1])
    for name in sys.argv[2:] or ARCHITECTURES:
        for exporter in ("dynamo", "script"):
            folder = directory / f"{name}-{exporter}"
            try:
                write(folder, name, exporter)
                print(f"{name} {exporter}: written", flush=True)
            except Exception as error:
                print(f"{name} {exporter}: {type(error).__name__} {str(error).splitlines()[0][:120]}", flush=True)
                for file in folder.glob("*"):
                    file.unlink()
                folder.rmdir()


if __name__ == "__main__":
    main()
