"""Stage 7: few steps. A LoRA that makes the U-Net jump to the end of its own guided way.

    python distil.py --work FOLDER --minutes 25 --out ../weights/picturebook/fast.safetensors

The shipped model draws captions from noise with guidance, in WAY steps of DPM-Solver++(2M), and wherever it
comes past, the student must see the end: a consistency model (Song et al. 2023, arXiv:2303.01469) for
diffusers' LCMScheduler (Luo et al. 2023, arXiv:2310.04378; as a LoRA, arXiv:2311.05556), learnt from whole
ways rather than from its own estimates a little further on, which for so short a training are too
unsteady. Guidance is learnt too, so one model call a step is all that drawing takes. Pictures are not
needed. The file has the key names of diffusers and PEFT; it is written each minute.
"""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils import parametrize

import common
import scenes
from muon import Muon
from picturebook import WEIGHTS, Picturebook

WAY = 15  # steps from noise to a latent
SIGMA_DATA, TIMESTEP_SCALING = 0.5, 10.0  # LCMScheduler's


class LowRank(nn.Module):
    """A weight and what is added to it: `up` times `down`."""

    def __init__(self, weight: torch.Tensor, rank: int):
        super().__init__()
        columns = weight[0].numel()
        rank = min(rank, len(weight), columns)
        self.down = nn.Parameter(torch.randn(rank, columns, device=weight.device) * columns**-0.5)
        self.up = nn.Parameter(torch.zeros(len(weight), rank, device=weight.device))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight + (self.up @ self.down).view_as(weight)


def adapted(unet: nn.Module, rank: int) -> dict[str, LowRank]:
    """Adds to every matrix between the first and the last layer; by their layers' names."""
    found = {}
    unet.requires_grad_(False)
    for name, module in list(unet.named_modules()):
        if isinstance(module, (nn.Linear, nn.Conv2d)) and name not in ("conv_in", "conv_out"):
            found[name] = LowRank(module.weight, rank)
            parametrize.register_parametrization(module, "weight", found[name])
    return found


def save(adapters: dict[str, LowRank], unet: nn.Module, path: Path) -> None:
    tensors = {}
    for name, adapter in adapters.items():
        shape = unet.get_submodule(name).weight.shape
        tensors[f"unet.{name}.lora_A.weight"] = adapter.down.unflatten(1, shape[1:])
        tensors[f"unet.{name}.lora_B.weight"] = adapter.up.reshape(*adapter.up.shape, *[1] * (len(shape) - 2))
    save_file({k: v.detach().half().contiguous() for k, v in tensors.items()}, path, {"format": "pt"})
    path.chmod(0o644)


def main() -> None:
    parser = common.arguments(__doc__)
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--model", type=Path, default=WEIGHTS)
    parser.add_argument("--guidance", type=float, help="baked in; the model's own when not given")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    common.prepare(options)
    device = options.device
    checkpoint = common.Checkpoint(options.work / "distil.pt", options.piece_mb)
    book = Picturebook(options.model, device)
    guidance, text, teacher = options.guidance or book.guidance, book.text, book.unet
    student = copy.deepcopy(teacher)
    adapters = adapted(student, options.rank)
    model = nn.ModuleDict({name.replace(".", "/"): adapter for name, adapter in adapters.items()})
    average = common.Average(model, 0.995)
    optimizer = Muon(model, options.learning_rate, decay=0.0)
    step, clock = common.resume(checkpoint, options, model, optimizer, average)

    nothing = text(book.ids([""]))
    alphas = book.alphas
    places = len(alphas) - 1 - torch.arange(WAY, device=device) * len(alphas) // WAY

    @torch.no_grad()
    def guided(x, times, context):
        """The clean latent as the teacher sees it."""
        with common.autocast(device):
            both = torch.cat([nothing.expand_as(context), context])
            blind, told = teacher(x.repeat(2, 1, 1, 1), times.repeat(2), both)[0].float().chunk(2)
        a, s = book.signal_and_noise(times)
        return a * x - s * (blind + guidance * (told - blind))

    def loss_of(x, times, context, wanted):
        with common.autocast(device):
            velocity = student(x, times, context)[0].float()
        a, s = book.signal_and_noise(times)
        scaled = times.float()[:, None, None, None] * TIMESTEP_SCALING
        length = (scaled**2 + SIGMA_DATA**2).sqrt()
        found = (SIGMA_DATA / length) ** 2 * x + scaled / length * (a * x - s * velocity)
        # Huber's loss as latent consistency models have it: nearly the absolute difference.
        return ((found - wanted).pow(2) + 1e-6).sqrt().mean()

    look, objective = (torch.compile(guided), torch.compile(loss_of)) if options.compile else (guided, loss_of)

    @torch.no_grad()
    def way(context, generator):
        """Latents on the way [WAY, batch, …], and its end."""
        x = torch.randn(len(context), *book.latent_shape, generator=generator)
        x = x.to(device, memory_format=torch.channels_last)
        seen, before = [], None
        for index, place in enumerate(places):
            seen.append(x)
            a, s = alphas[place].sqrt(), (1 - alphas[place]).sqrt()
            clean = look(x, place.expand(len(x)), context)
            if index == WAY - 1:
                return torch.stack(seen), clean
            b, r = alphas[places[index + 1]].sqrt(), (1 - alphas[places[index + 1]]).sqrt()
            h = (b / r).log() - (a / s).log()
            direction = clean if before is None else clean + (clean - before[0]) * (h / before[1] / 2)
            x = r / s * x - b * torch.expm1(-h) * direction
            before = (clean, h)

    def write():
        made = {name.replace("/", "."): adapter for name, adapter in average.model.items()}
        save(made, student, options.out)

    generator = torch.Generator().manual_seed(options.seed + step)
    sums = []
    while clock.progress < 1:
        seeds = torch.randint(1 << 40, (options.batch,), generator=generator).tolist()
        captions = [scenes.scene(seed, draw=False).caption for seed in seeds]
        with torch.no_grad():
            context = text(book.ids(captions))
        seen, end = way(context, generator)
        clock.tick()
        order = torch.randperm(WAY * options.batch, generator=generator).to(device).chunk(WAY)
        for pick in order:
            common.set_rate(optimizer, options.learning_rate * clock.rate(step, 50, 0.0))
            who = pick % options.batch
            x = seen.flatten(0, 1)[pick].contiguous(memory_format=torch.channels_last)
            loss = objective(x, places[pick // options.batch], context[who], end[who])
            common.descend(loss, model, optimizer)
            average.update(model, step)
            step += 1
            sums.append(loss.item())
            clock.tick()
        if step % (5 * WAY) == 0:
            common.log(options.work / "distil.log", step=step, minutes=clock.spent / 60,
                       loss=float(np.mean(sums)), rate=clock.rate(step, 50, 0.0))
            sums = []
        if clock.spent - clock.saved > 60:
            write()
        common.save(checkpoint, clock, model=model, average=average.model, optimizer=optimizer, step=step)
    write()


if __name__ == "__main__":
    main()
