"""Stage 1: the autoencoder. 64×64 crops around subjects, then whole scenes; L1 and edge losses, a light
KL term.

    python train_vae.py --work FOLDER --minutes 35

With --decoder-only the encoder stays as it is (so do latents made with it) and only the decoder
learns on.
"""

from __future__ import annotations

import random

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL

import common
import scenes

CONFIG = dict(
    down_block_types=["DownEncoderBlock2D"] * 4,
    up_block_types=["UpDecoderBlock2D"] * 4,
    block_out_channels=[16, 32, 64, 128],
    latent_channels=8,
    layers_per_block=1,
    # Few groups: with one channel a group the last norm would fix every picture's mean colour.
    norm_num_groups=4,
    sample_size=scenes.SIZE,
    mid_block_add_attention=False,
    force_upcast=False,
)


def latent_shape() -> tuple[int, int, int]:
    """Channels, height and width of a scene's latent."""
    side = CONFIG["sample_size"] // 2 ** (len(CONFIG["block_out_channels"]) - 1)
    return CONFIG["latent_channels"], side, side


def crops(seed: int, count: int, side: int, world: str) -> torch.Tensor:
    """[count, 3, side, side] in -1...1; four crops of each scene, most around a subject's edge."""
    rng = random.Random(seed)
    found = []
    while len(found) < count:
        image, _, things = scenes.scene(rng.getrandbits(48), world)
        pixels = np.asarray(image)
        for _ in range(min(1 if side == scenes.SIZE else 4, count - len(found))):
            if rng.random() < 0.85:
                thing = rng.choice(things)
                spread = thing.size // 2
                x = thing.x + rng.randint(-spread, spread) - side // 2
                y = thing.y + rng.randint(-spread, spread) - side // 2
            else:
                x, y = rng.randint(0, scenes.SIZE), rng.randint(0, scenes.SIZE)
            x, y = (max(0, min(scenes.SIZE - side, v)) for v in (x, y))
            found.append(pixels[y : y + side, x : x + side])
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).float() / 127.5 - 1


def edges(picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return picture[..., 1:] - picture[..., :-1], picture[..., 1:, :] - picture[..., :-1, :]


def reconstruction_loss(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """L1 of the pixels, and of their differences to neighbours, at three scales."""
    loss = F.l1_loss(found, wanted)
    for scale in range(3):
        for a, b in zip(edges(found), edges(wanted)):
            loss = loss + 0.4 * F.l1_loss(a, b)
        if scale < 2:
            found, wanted = F.avg_pool2d(found, 2), F.avg_pool2d(wanted, 2)
            loss = loss + 0.4 * F.l1_loss(found, wanted)
    return loss


@torch.no_grad()
def psnr(model: AutoencoderKL, world: str, device: str, count: int = 32) -> float:
    """Mean PSNR in dB over whole fresh scenes, decoded from the latents' means."""
    total = 0.0
    for index in range(count):
        image, _, _ = scenes.scene(10**12 + index, world)
        x = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float().to(device) / 127.5 - 1
        y = model.decode(model.encode(x).latent_dist.mode()).sample.clamp(-1, 1)
        total += -10 * torch.log10(((y - x) / 2).pow(2).mean()).item()
    return total / count


def main() -> None:
    parser = common.arguments(__doc__)
    parser.add_argument("--minutes", type=float, default=35)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--side", type=int, default=64, help="pixels a side of a crop")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--kl", type=float, default=3e-4, help="weight of the mean KL divergence")
    parser.add_argument("--decoder-only", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--piece-mb", type=int, default=0)
    options = parser.parse_args()
    common.prepare(options)
    device = options.device
    stage = "decoder" if options.decoder_only else "vae"
    checkpoint = common.Checkpoint(options.work / f"{stage}.pt", options.piece_mb)

    model = AutoencoderKL(**CONFIG).to(device, memory_format=torch.channels_last)
    with torch.no_grad():
        # Begin with little noise on the latents, or the decoder sees nothing else for a long time.
        model.quant_conv.bias[CONFIG["latent_channels"]:] = -5
        model.quant_conv.weight[CONFIG["latent_channels"]:] *= 0.1
    average = common.Average(model)
    step, spent = 0, 0.0
    state = checkpoint.load(device)
    if options.decoder_only and state is None:
        before = common.Checkpoint(options.work / "vae.pt").load(device)
        model.load_state_dict(before["average"])
        average.model.load_state_dict(before["average"])
    trained = model.parameters()
    if options.decoder_only:
        model.encoder.requires_grad_(False)
        model.quant_conv.requires_grad_(False)
        trained = [*model.decoder.parameters(), *model.post_quant_conv.parameters()]
    optimizer = torch.optim.AdamW(
        trained, lr=options.learning_rate, betas=(0.9, 0.99), weight_decay=1e-4
    )
    if state is not None:
        model.load_state_dict(state["model"])
        average.model.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        step, spent = state["step"], state["spent"]
    clock = common.Clock(options.minutes, spent)

    def loss_of(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        with torch.autocast(device, dtype=torch.bfloat16):
            posterior = model.encode(x).latent_dist
            y = model.decode(posterior.sample()).sample
        mean, log_variance = posterior.mean.float(), posterior.logvar.float()
        kl = 0.5 * (mean.pow(2) + log_variance.exp() - 1 - log_variance).mean()
        return reconstruction_loss(y.float(), x), kl

    objective = torch.compile(loss_of) if options.compile else loss_of
    save_every = 60.0
    saved = clock.spent
    while clock.progress < 1:
        # Norms count over the picture, so the last part of the time goes to whole scenes.
        whole = clock.progress > 0.7
        side = scenes.SIZE if whole else options.side
        count = max(1, options.batch * options.side**2 // side**2)
        x = crops(options.seed * 10**9 + step, count, side, options.world)
        x = x.to(device, memory_format=torch.channels_last)
        for group in optimizer.param_groups:
            group["lr"] = options.learning_rate * clock.rate(step)
        reconstruction, kl = objective(x)
        (reconstruction + options.kl * kl).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        average.update(model, step)
        step += 1
        if step % 50 == 0:
            common.log(
                options.work / f"{stage}.log", step=step, minutes=clock.spent / 60,
                loss=reconstruction.item(), kl=kl.item(), rate=clock.rate(step),
            )
        if clock.spent - saved > save_every or clock.progress >= 1:
            checkpoint.save(
                dict(model=model.state_dict(), average=average.model.state_dict(),
                     optimizer=optimizer.state_dict(), step=step, spent=clock.spent)
            )
            saved = clock.spent
        if step % 500 == 0 or clock.progress >= 1:
            common.log(
                options.work / f"{stage}.log", step=step,
                psnr=psnr(average.model, options.world, device),
            )


if __name__ == "__main__":
    main()
