"""Stage 5: the text encoder and the U-Net, together, on latents; v-prediction with min-SNR weights
(Hang et al. 2023, arXiv:2303.09556), and the questions of layout.py beside it.

    python train_unet.py --work FOLDER --minutes 60
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

import captions
import common
import layout
import tokenizer
import train_text
from models import CLIPTextModel, UNet2DConditionModel, load_overlapping
from muon import Muon

# So much noise at the end that not even a picture's mean shows through it: a drawing starts from none.
SCHEDULE = dict(
    num_train_timesteps=1000, beta_start=0.00085, beta_end=0.02, beta_schedule="scaled_linear",
    prediction_type="v_prediction", clip_sample=False,
)


def unet_config(latent: tuple[int, int, int]) -> dict:
    """The U-Net's settings for latents of a shape."""
    return dict(
        sample_size=latent[1], in_channels=latent[0], out_channels=latent[0],
        # Wide where there are few places; narrow and without attention where there are many.
        down_block_types=["DownBlock2D", "CrossAttnDownBlock2D"],
        up_block_types=["CrossAttnUpBlock2D", "UpBlock2D"],
        block_out_channels=[64, 224], layers_per_block=1, attention_head_dim=[4, 4],
        # Few groups, as in the autoencoder: the last norm must let a picture's mean through.
        cross_attention_dim=train_text.CONFIG["hidden_size"], norm_num_groups=8,
        use_linear_projection=True,
    )


def alphas_cumprod() -> torch.Tensor:
    """The share of the signal's variance at each timestep."""
    first, last = SCHEDULE["beta_start"] ** 0.5, SCHEDULE["beta_end"] ** 0.5
    betas = torch.linspace(first, last, SCHEDULE["num_train_timesteps"], dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).float()


def main() -> None:
    parser = common.arguments(__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--learning-rate", type=float, default=1.5e-3)
    parser.add_argument("--decay", type=float, default=0.9985, help="of the moving average")
    parser.add_argument("--dropped", type=float, default=0.1, help="share of captions left out")
    parser.add_argument("--asked", type=float, default=0.05, help="weight of the questions' loss")
    parser.add_argument("--gamma", type=float, default=50, help="min-SNR's bound; more is finer detail")
    parser.add_argument("--start-from", type=Path, help="the unet folder of an earlier model")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    common.prepare(options)
    device = options.device
    checkpoint = common.Checkpoint(options.work / "unet.pt", options.piece_mb)

    folder = options.work / "tokenizer"
    data = np.load(options.work / "latents.npz")
    latents = torch.from_numpy(data["latents"])
    wordings = data["captions"]
    tokens = torch.from_numpy(tokenizer.encode(wordings.ravel().tolist(), folder))
    tokens = tokens.unflatten(0, wordings.shape)
    shares = torch.tensor(captions.SHARES)
    nothing = torch.from_numpy(tokenizer.encode([""], folder))
    facts = [torch.from_numpy(data[name]) for name in ("slots", "places", "cells")]

    config = unet_config(tuple(latents.shape[1:]))
    unet = UNet2DConditionModel(config)
    if options.start_from:
        load_overlapping(unet, load_file(options.start_from / "diffusion_pytorch_model.safetensors"))
    model = torch.nn.ModuleDict(dict(
        text=CLIPTextModel(train_text.text_config(tokenizer.vocabulary_size(folder))),
        questions=layout.Questions(config["cross_attention_dim"], config["block_out_channels"][-1]),
        unet=unet.to(memory_format=torch.channels_last),
    )).to(device)
    text, questions, unet = model["text"], model["questions"], model["unet"]
    before = common.Checkpoint(options.work / "text.pt").load(device)
    if before is not None:
        load_overlapping(model, before["model"])
    optimizer = Muon(model, options.learning_rate)
    average = common.Average(model, options.decay)
    step, clock = common.resume(checkpoint, options, model, optimizer, average)

    alphas = alphas_cumprod().to(device)
    ratio = alphas / (1 - alphas)
    # A little more than min-SNR where almost all is noise, since there the layout is decided.
    weights = torch.clamp(ratio + 0.2, max=options.gamma) / (ratio + 1)

    def loss_of(z, ids, noise, times, slots, places, cells):
        a = alphas[times].sqrt()[:, None, None, None]
        s = (1 - alphas[times]).sqrt()[:, None, None, None]
        with common.autocast(device):
            context = text(ids)
            found, middle = unet(a * z + s * noise, times, context)
        error = F.mse_loss(found.float(), a * noise - s * z, reduction="none").mean(1)
        # A place where a thing stands counts twice: backgrounds are learnt soon enough.
        stress = 1 + (cells[:, 0] != layout.NOTHING).float()
        stress = stress.repeat_interleave(2, 1).repeat_interleave(2, 2)
        error = (error * stress).sum((1, 2)) / stress.sum((1, 2))
        asked_text = questions.text_loss(context.float(), slots, places)
        asked_middle = questions.middle_loss(middle.float(), cells)
        return (error * weights[times]).mean(), asked_text, asked_middle

    objective = torch.compile(loss_of) if options.compile else loss_of
    generator = torch.Generator().manual_seed(options.seed + step)
    sums = []
    while clock.progress < 1:
        pick = torch.randint(len(latents), (options.batch,), generator=generator)
        z = latents[pick].float().to(device, memory_format=torch.channels_last)
        slots, places, cells = (fact[pick].long().to(device) for fact in facts)
        drop = torch.rand(options.batch, generator=generator) < options.dropped
        said = torch.multinomial(shares, options.batch, replacement=True, generator=generator)
        ids = torch.where(drop[:, None], nothing, tokens[pick, said]).to(device)
        # Where the caption is left out there is nothing to ask of the text.
        slots[drop.to(device)] = layout.IGNORED
        places[drop.to(device)] = layout.IGNORED
        noise = torch.randn(z.shape, generator=generator).to(device)
        # One timestep in each of as many equal spans as there are pictures: less noise in the loss.
        spread = (torch.randperm(options.batch, generator=generator) + torch.rand(1, generator=generator))
        times = (spread / options.batch * 1000).long().clamp(max=999).to(device)
        common.set_rate(optimizer, options.learning_rate * clock.rate(step, 200, 0.0))
        losses = objective(z, ids, noise, times, slots, places, cells)
        common.descend(losses[0] + options.asked * (losses[1] + losses[2]), model, optimizer)
        average.update(model, step)
        step += 1
        clock.tick()
        sums.append([loss.item() for loss in losses])
        if step % 50 == 0:
            drawn, text_asked, middle_asked = np.mean(sums, 0).tolist()
            common.log(
                options.work / "unet.log", step=step, minutes=clock.spent / 60, loss=drawn,
                text=text_asked, middle=middle_asked, rate=clock.rate(step, 200, 0.0),
            )
            sums = []
        common.save(checkpoint, clock, model=model, average=average.model, optimizer=optimizer,
                    step=step, scale=float(data["scale"]))


if __name__ == "__main__":
    main()
