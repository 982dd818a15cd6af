"""Stage 7: few steps. A LoRA that makes the U-Net jump to the end of its own guided way.

    python distil.py --work FOLDER --minutes 40 --out ../weights/picturebook/fast.safetensors

Latent consistency distillation (Luo et al. 2023, arXiv:2310.04378; as a LoRA, arXiv:2311.05556): wherever a
noisy latent is on its way, the estimate of its end must be the one from a little further on. The way is
the shipped model's with guidance, a step of DDIM at a time, so guidance is learnt too and one model call
a step is all that drawing takes. The file has the key names of diffusers and PEFT; it is written each
minute, so that pictures can be looked at meanwhile.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.utils import parametrize

import common
import tokenizer
from models import CLIPTextModel, UNet2DConditionModel
from muon import Muon
from train_unet import alphas_cumprod

STEPS = 50  # places on the way; LCMScheduler's original_inference_steps
JUMP = 2  # places from one estimate to the next: half as many to learn one after the other
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
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--model", type=Path, default=Path("../weights/picturebook"))
    parser.add_argument("--guidance", type=float, help="baked in; the model's own when not given")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    common.prepare(options)
    device = options.device
    checkpoint = common.Checkpoint(options.work / "distil.pt", options.piece_mb)
    guidance = options.guidance or json.loads((options.model / "lantern.json").read_text())["guidance"]

    def loaded(kind, part: str, file: str, prefix: str = ""):
        model = kind(json.loads((options.model / part / "config.json").read_text()))
        tensors = load_file(options.model / part / file)
        model.load_state_dict({k.removeprefix(prefix): v.float() for k, v in tensors.items()})
        return model.requires_grad_(False).to(device)

    text = loaded(CLIPTextModel, "text_encoder", "model.safetensors", "text_model.")
    teacher = loaded(UNet2DConditionModel, "unet", "diffusion_pytorch_model.safetensors")
    teacher = teacher.to(memory_format=torch.channels_last)
    student = copy.deepcopy(teacher)
    adapters = adapted(student, options.rank)
    model = nn.ModuleDict({name.replace(".", "/"): adapter for name, adapter in adapters.items()}).to(device)
    average = common.Average(model, 0.995)
    optimizer = Muon(model, options.learning_rate, decay=0.0)
    step, clock = common.resume(checkpoint, options, model, optimizer, average)

    data = np.load(options.work / "latents.npz")
    settings = json.loads((options.model / "vae" / "config.json").read_text())
    latents = torch.from_numpy(data["latents"] * np.float16(settings["scaling_factor"] / data["scale"]))
    folder = options.model / "tokenizer"
    tokens = torch.from_numpy(tokenizer.encode(data["captions"].tolist(), folder))
    nothing = torch.from_numpy(tokenizer.encode([""], folder)).to(device)
    alphas = alphas_cumprod().to(device)
    stride = len(alphas) // STEPS

    def parts(times):
        a = torch.where(times < 0, torch.ones_like(alphas[0]), alphas[times.clamp(min=0)])
        return a.sqrt()[:, None, None, None], (1 - a).sqrt()[:, None, None, None]

    def end(x, velocity, times):
        """The estimate of the way's end, as LCMScheduler makes it of a prediction."""
        a, s = parts(times)
        scaled = times.clamp(min=0).float()[:, None, None, None] * TIMESTEP_SCALING
        length = (scaled**2 + SIGMA_DATA**2).sqrt()
        return (SIGMA_DATA / length) ** 2 * x + scaled / length * (a * x - s * velocity)

    def loss_of(z, ids, noise, times):
        a, s = parts(times)
        x = a * z + s * noise
        with torch.autocast(device, dtype=torch.bfloat16):
            with torch.no_grad():
                context = text(ids)
                both = torch.cat([text(nothing).expand_as(context), context])
                blind, told = teacher(x.repeat(2, 1, 1, 1), times.repeat(2), both)[0].float().chunk(2)
                velocity = blind + guidance * (told - blind)
                further = times - JUMP * stride
                b, r = parts(further)
                y = b * (a * x - s * velocity) + r * (a * velocity + s * x)
                wanted = end(y, student(y, further.clamp(min=0), context)[0].float(), further)
        # Anew, for autocast keeps the casts that it made without a gradient.
        with torch.autocast(device, dtype=torch.bfloat16):
            found = end(x, student(x, times, context)[0].float(), times)
        # Huber's loss as LCM has it: nearly the absolute difference.
        return ((found - wanted).pow(2) + 1e-6).sqrt().mean()

    objective = torch.compile(loss_of) if options.compile else loss_of
    generator = torch.Generator().manual_seed(options.seed + step)

    def write():
        made = {name.replace("/", "."): adapter for name, adapter in average.model.items()}
        save(made, student, options.out)

    sums = []
    while clock.progress < 1:
        pick = torch.randint(len(latents), (options.batch,), generator=generator)
        z = latents[pick].float().to(device, memory_format=torch.channels_last)
        noise = torch.randn(z.shape, generator=generator).to(device, memory_format=torch.channels_last)
        spread = torch.randperm(options.batch, generator=generator) + torch.rand(1, generator=generator)
        times = ((spread / options.batch * STEPS).long().clamp(max=STEPS - 1) + 1) * stride - 1
        common.set_rate(optimizer, options.learning_rate * clock.rate(step, 50, 0.0))
        loss = objective(z, tokens[pick].to(device), noise, times.to(device))
        common.descend(loss, model, optimizer)
        average.update(model, step)
        step += 1
        clock.tick()
        sums.append(loss.item())
        if step % 25 == 0:
            common.log(options.work / "distil.log", step=step, minutes=clock.spent / 60,
                       loss=float(np.mean(sums)), rate=clock.rate(step, 50, 0.0))
            sums = []
        if clock.spent - clock.saved > 60:
            write()
        common.save(checkpoint, clock, model=model, average=average.model, optimizer=optimizer, step=step)
    write()


if __name__ == "__main__":
    main()
