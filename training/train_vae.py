"""Stage 1: the autoencoder. 64×64 crops around subjects, then whole scenes; L1 and edge losses, a light
KL term.

    python train_vae.py --work FOLDER --minutes 35

With --decoder-only the encoder stays as it is (so do latents made with it) and only the decoder
learns on. With --start-from the latents stay those of the autoencoder that it begins from, which may have half
the pixels a side and must have as many channels of latents, so that a U-Net which learnt on them draws on.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

import common
import scenes
from models import AutoencoderKL, load_overlapping
from muon import Muon

CONFIG = dict(
    down_block_types=["DownEncoderBlock2D"] * (3 + scenes.SCALE),
    up_block_types=["UpDecoderBlock2D"] * (3 + scenes.SCALE),
    # 16 × 16 × 16 latents either way: at 256 pixels a side one more level around the others.
    block_out_channels=[16] * (scenes.SCALE - 1) + [16, 32, 64, 128],
    latent_channels=16,
    layers_per_block=1,
    # Few groups: with one channel a group the last norm would fix every picture's mean colour.
    norm_num_groups=4,
    sample_size=scenes.PIXELS,
    mid_block_add_attention=False,
    force_upcast=False,
)

FRESH = 10**12  # seeds of the scenes that PSNR is measured on


def trained(work: Path) -> dict[str, torch.Tensor]:
    """The autoencoder's weights: with the decoder that learnt on, if there is one."""
    state = common.Checkpoint(work / "decoder.pt").load("cpu")
    return (state or common.Checkpoint(work / "vae.pt").load("cpu"))["average"]


def latent_shape() -> tuple[int, int, int]:
    """Channels, height and width of a scene's latent."""
    side = CONFIG["sample_size"] // 2 ** (len(CONFIG["block_out_channels"]) - 1)
    return CONFIG["latent_channels"], side, side


def crops(seed: int, count: int, side: int) -> torch.Tensor:
    """[count, 3, side, side] in -1...1; four crops of each scene, most around a subject's edge."""
    rng = random.Random(seed)
    found = []
    while len(found) < count:
        scene = scenes.scene(rng.getrandbits(48))
        pixels = np.asarray(scene.picture)
        for _ in range(min(1 if side == scenes.PIXELS else 4, count - len(found))):
            if rng.random() < 0.85:
                thing = rng.choice(scene.things)
                spread = thing.size * scenes.SCALE // 2
                x = thing.x * scenes.SCALE + rng.randint(-spread, spread) - side // 2
                y = thing.y * scenes.SCALE + rng.randint(-spread, spread) - side // 2
            else:
                x, y = rng.randint(0, scenes.PIXELS), rng.randint(0, scenes.PIXELS)
            x, y = (max(0, min(scenes.PIXELS - side, v)) for v in (x, y))
            found.append(pixels[y : y + side, x : x + side])
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).float() / 127.5 - 1


def edges(picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return picture[..., 1:] - picture[..., :-1], picture[..., 1:, :] - picture[..., :-1, :]


def reconstruction_loss(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """L1 and L2 of the pixels, and L1 of their differences to neighbours, at three scales."""
    loss = F.l1_loss(found, wanted) + 3 * F.mse_loss(found, wanted)
    for scale in range(3):
        for a, b in zip(edges(found), edges(wanted)):
            loss = loss + 0.4 * F.l1_loss(a, b)
        if scale < 2:
            found, wanted = F.avg_pool2d(found, 2), F.avg_pool2d(wanted, 2)
            loss = loss + 0.4 * F.l1_loss(found, wanted)
    return loss


@torch.no_grad()
def psnr(model: AutoencoderKL, device: str, count: int = 64) -> float:
    """Mean PSNR in dB over whole fresh scenes, decoded from the latents' means."""
    total = 0.0
    for index in range(count):
        picture = scenes.scene(FRESH + index).picture
        x = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float().to(device) / 127.5 - 1
        y = model.decode(model.encode(x)[0]).clamp(-1, 1)
        total += -10 * torch.log10(((y - x) / 2).pow(2).mean()).item()
    return total / count


def surround(model: AutoencoderKL, folder: Path) -> AutoencoderKL:
    """Begins from an earlier autoencoder, of as many levels or fewer; returns it, to compare latents with."""
    config = json.loads((folder / "config.json").read_text())
    tensors = load_file(folder / "diffusion_pytorch_model.safetensors")
    earlier = AutoencoderKL(config).eval().requires_grad_(False)
    earlier.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    # The new levels are those of the most pixels: the encoder's first, the decoder's last.
    added = len(CONFIG["block_out_channels"]) - len(config["block_out_channels"])
    inner = {}
    for name, tensor in tensors.items():
        if added and name.startswith(("encoder.conv_in", "decoder.conv_norm_out", "decoder.conv_out")):
            continue
        head, _, tail = name.partition("encoder.down_blocks.")
        if tail:
            level, _, rest = tail.partition(".")
            name = f"{head}encoder.down_blocks.{int(level) + added}.{rest}"
        inner[name] = tensor
    load_overlapping(model, inner)
    return earlier


def main() -> None:
    parser = common.arguments(__doc__)
    parser.add_argument("--minutes", type=float, default=35)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--side", type=int, default=64, help="pixels a side of a crop")
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--kl", type=float, default=3e-4, help="weight of the mean KL divergence")
    parser.add_argument("--kept", type=float, default=0.3, help="weight of the distance to --start-from's latents")
    parser.add_argument("--decoder-only", action="store_true")
    parser.add_argument("--start-from", type=Path, help="the vae folder of an earlier model")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    common.prepare(options)
    device = options.device
    stage = "decoder" if options.decoder_only else "vae"
    checkpoint = common.Checkpoint(options.work / f"{stage}.pt", options.piece_mb)

    model = AutoencoderKL(CONFIG).to(device, memory_format=torch.channels_last)
    with torch.no_grad():
        # Begin with little noise on the latents, or the decoder sees nothing else for a long time.
        model.quant_conv.bias[CONFIG["latent_channels"]:] = -5
        model.quant_conv.weight[CONFIG["latent_channels"]:] *= 0.1
    earlier, narrowing = None, 1
    if options.start_from:
        earlier = surround(model, options.start_from).to(device, memory_format=torch.channels_last)
        narrowing = 2 ** (len(model.encoder.down_blocks) - len(earlier.encoder.down_blocks))
    if options.decoder_only:
        model.load_state_dict(common.Checkpoint(options.work / "vae.pt").load(device)["average"])
        model.encoder.requires_grad_(False)
        model.quant_conv.requires_grad_(False)
    average = common.Average(model)
    optimizer = Muon(model, options.learning_rate, (0.9, 0.99), 1e-4)
    step, clock = common.resume(checkpoint, options, model, optimizer, average)

    def loss_of(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        with common.autocast(device):
            mean, log_variance = model.encode(x)
            y = model.decode(mean + (0.5 * log_variance).exp() * torch.randn_like(mean))
        mean, log_variance = mean.float(), log_variance.float()
        kl = 0.5 * (mean.pow(2) + log_variance.exp() - 1 - log_variance).mean()
        apart = torch.zeros(())
        if earlier is not None:
            with torch.no_grad(), common.autocast(device):
                wanted = earlier.encode(F.avg_pool2d(x, narrowing))[0]
            apart = F.mse_loss(mean, wanted.float())
        return reconstruction_loss(y.float(), x), kl, apart

    objective = torch.compile(loss_of) if options.compile else loss_of
    while clock.progress < 1:
        # Norms count over the picture, so the last part of the time goes to whole scenes.
        whole = options.decoder_only or clock.progress > 0.6
        side = scenes.PIXELS if whole else options.side
        count = max(1, options.batch * options.side**2 // side**2)
        x = crops(options.seed * 10**9 + step, count, side)
        x = x.to(device, memory_format=torch.channels_last)
        common.set_rate(optimizer, options.learning_rate * clock.rate(step))
        reconstruction, kl, apart = objective(x)
        common.descend(reconstruction + options.kl * kl + options.kept * apart, model, optimizer)
        average.update(model, step)
        step += 1
        clock.tick()
        if step % 50 == 0:
            common.log(
                options.work / f"{stage}.log", step=step, minutes=clock.spent / 60,
                loss=reconstruction.item(), kl=kl.item(), apart=apart.item(), rate=clock.rate(step),
            )
        common.save(checkpoint, clock, model=model, average=average.model, optimizer=optimizer,
                    step=step)
        if step % 500 == 0 or clock.progress >= 1:
            common.log(
                options.work / f"{stage}.log", step=step,
                psnr=psnr(average.model, device),
            )


if __name__ == "__main__":
    main()
