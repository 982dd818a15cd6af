"""A library at work on one case, in a process of its own.

Reads lines {"runs": 5} and answers each with {"seconds": […]}, of one run more the last five, or with
{"failed": "why"}. The first answer takes as long as it takes to get ready.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from cases import Attention, Convolution, Linear, Part, parse


class Product(nn.Module):
    """Attention on tokens whose heads lie together, as models have them."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads = heads

    def split(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        mixed = F.scaled_dot_product_attention(
            self.split(queries), self.split(keys), self.split(values))
        return mixed.transpose(1, 2).flatten(2)


class Called(nn.Module):
    """A function of a network, as a module that returns its tensor alone."""

    def __init__(self, network: nn.Module, function: Callable) -> None:
        super().__init__()
        self.network, self.function = network, function

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.function(*inputs, return_dict=False)[0]


def part(case: Part, folder: Path) -> tuple[nn.Module, list[torch.Tensor]]:
    """A part of the model in a folder, and input of its size."""
    if case.name == "text encoder":
        from transformers import CLIPTextModel

        text = CLIPTextModel.from_pretrained(folder / "text_encoder").float()
        tokens = torch.randint(text.config.vocab_size, (case.batch, case.height))
        return Called(text, text), [tokens]
    if case.name == "denoiser":
        from diffusers import UNet2DConditionModel

        unet = UNet2DConditionModel.from_pretrained(folder / "unet").float()
        latents = torch.randn(case.batch, unet.config.in_channels, case.height, case.width)
        context = torch.randn(case.batch, 77, unet.config.cross_attention_dim)
        return Called(unet, unet), [latents, torch.tensor([500]), context]
    from diffusers import AutoencoderKL

    vae = AutoencoderKL.from_pretrained(folder / "vae").float()
    latents = torch.randn(case.batch, vae.config.latent_channels, case.height, case.width)
    return Called(vae, vae.decode), [latents]


def made(text: str, folder: Path) -> tuple[nn.Module, list[torch.Tensor]]:
    """What computes a case, and random input."""
    match parse(text):
        case Linear() as it:
            return nn.Linear(it.inputs, it.outputs), [torch.randn(it.rows, it.inputs)]
        case Convolution() as it:
            layers = [nn.UpsamplingNearest2d(scale_factor=2)] if it.doubled else []
            layers.append(nn.Conv2d(it.inputs, it.outputs, it.kernel, it.stride, it.kernel // 2))
            return nn.Sequential(*layers), [torch.randn(it.batch, it.inputs, it.height, it.width)]
        case Attention() as it:
            shapes = [(it.batch, count, it.heads * it.size) for count in (it.queries, it.keys, it.keys)]
            return Product(it.heads), [torch.randn(shape) for shape in shapes]
        case Part() as it:
            return part(it, folder)


def with_pytorch(module: nn.Module, inputs: list[torch.Tensor]) -> Callable:
    """PyTorch as its authors advise for CPUs: pictures with their channels last."""
    last = torch.channels_last
    module = module.to(memory_format=last)
    inputs = [x.contiguous(memory_format=last) if x.ndim == 4 else x for x in inputs]
    return lambda: module(*inputs)


def with_openvino(module: nn.Module, inputs: list[torch.Tensor], threads: int) -> Callable:
    """OpenVINO on a converted module of fixed shapes; nothing is copied into it or out of it."""
    import openvino

    converted = openvino.convert_model(
        module, example_input=tuple(inputs), input=[tuple(x.shape) for x in inputs])
    request = openvino.Core().compile_model(converted, "CPU", {
        "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
    }).create_infer_request()
    for index, x in enumerate(inputs):
        request.set_input_tensor(index, openvino.Tensor(x.numpy()))
    return lambda: request.infer(share_inputs=True, share_outputs=True)


def prepared(options: argparse.Namespace) -> Callable:
    """What runs the case once."""
    torch.manual_seed(0)
    module, inputs = made(options.case, options.model)
    module = module.eval().requires_grad_(False)
    if options.library == "openvino":
        return with_openvino(module, inputs, options.threads)
    return with_pytorch(module, inputs)


def times(run: Callable, count: int) -> list[float]:
    """Seconds of `count` runs after one that is not counted."""
    seconds = []
    with torch.inference_mode():
        for _ in range(count + 1):
            begin = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - begin)
    return seconds[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", choices=["pytorch", "openvino"], required=True)
    parser.add_argument("--case", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--model", type=Path, help="where the model's parts lie")
    options = parser.parse_args()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Libraries that print must not answer.
    torch.set_num_threads(options.threads)
    run = None
    for line in sys.stdin:
        try:
            run = run or prepared(options)
            answer = {"seconds": times(run, json.loads(line)["runs"])}
        except Exception as error:
            answer = {"failed": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
