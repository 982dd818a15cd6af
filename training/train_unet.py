"""Stage 3: the text encoder and the U-Net, together, on latents; v-prediction with min-SNR weights
(Hang et al. 2023, arXiv:2303.09556).

    python train_unet.py --work FOLDER --minutes 60
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

import common
import tokenizer as tokenizer_files

SCHEDULE = dict(
    num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
    prediction_type="v_prediction", clip_sample=False,
)


def unet_config(latent: tuple[int, int, int], text: int) -> dict:
    """The U-Net's settings for latents of a shape and a text width."""
    return dict(
        sample_size=latent[1], in_channels=latent[0], out_channels=latent[0],
        # Wide where there are few places; narrow and without attention where there are many.
        down_block_types=["DownBlock2D", "CrossAttnDownBlock2D"],
        up_block_types=["CrossAttnUpBlock2D", "UpBlock2D"],
        block_out_channels=[64, 224], layers_per_block=1, attention_head_dim=[4, 4],
        # Few groups, as in the autoencoder: the last norm must let a picture's mean through.
        cross_attention_dim=text, norm_num_groups=8, use_linear_projection=True,
    )


def text_config(vocabulary: int, end: int) -> dict:
    """The text encoder's settings."""
    return dict(
        vocab_size=vocabulary, hidden_size=192, intermediate_size=768, num_hidden_layers=3,
        num_attention_heads=4, max_position_embeddings=tokenizer_files.LENGTH,
        hidden_act="quick_gelu", bos_token_id=end - 1, eos_token_id=end, pad_token_id=end,
    )


def main() -> None:
    parser = common.arguments(__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=7e-4)
    parser.add_argument("--dropped", type=float, default=0.1, help="share of captions left out")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--piece-mb", type=int, default=0)
    options = parser.parse_args()
    common.prepare(options)
    device = options.device
    checkpoint = common.Checkpoint(options.work / "unet.pt", options.piece_mb)

    folder = options.work / "tokenizer"
    tokenizer_files.write(folder)
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    data = np.load(options.work / "latents.npz")
    latents = torch.from_numpy(data["latents"])
    words = dict(padding="max_length", truncation=True, return_tensors="pt",
                 max_length=tokenizer_files.LENGTH)
    tokens = tokenizer(data["captions"].tolist(), **words).input_ids
    nothing = tokenizer([""], **words).input_ids

    text = CLIPTextModel(
        CLIPTextConfig(**text_config(len(tokenizer), tokenizer.eos_token_id))
    ).to(device)
    unet = UNet2DConditionModel(
        **unet_config(tuple(latents.shape[1:]), text.config.hidden_size)
    ).to(device, memory_format=torch.channels_last)
    model = torch.nn.ModuleDict(dict(text=text, unet=unet))
    average = common.Average(model, decay=0.9985)
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [dict(params=decayed, weight_decay=0.01), dict(params=plain, weight_decay=0.0)],
        lr=options.learning_rate, betas=(0.9, 0.98),
    )
    step, spent = 0, 0.0
    state = checkpoint.load(device)
    if state is not None:
        model.load_state_dict(state["model"])
        average.model.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        step, spent = state["step"], state["spent"]
    clock = common.Clock(options.minutes, spent)

    alphas = DDPMScheduler(**SCHEDULE).alphas_cumprod.to(device)
    ratio = alphas / (1 - alphas)
    weights = torch.clamp(ratio, max=5) / (ratio + 1)

    def loss_of(z, ids, noise, times):
        a = alphas[times].sqrt()[:, None, None, None]
        s = (1 - alphas[times]).sqrt()[:, None, None, None]
        with torch.autocast(device, dtype=torch.bfloat16):
            context = text(ids).last_hidden_state
            found = unet(a * z + s * noise, times, context).sample
        error = F.mse_loss(found.float(), a * noise - s * z, reduction="none").mean((1, 2, 3))
        return (error * weights[times]).mean()

    objective = torch.compile(loss_of) if options.compile else loss_of
    generator = torch.Generator().manual_seed(options.seed + step)
    saved, sums = clock.spent, []
    while clock.progress < 1:
        pick = torch.randint(len(latents), (options.batch,), generator=generator)
        z = latents[pick].float().to(device, memory_format=torch.channels_last)
        drop = torch.rand(options.batch, generator=generator) < options.dropped
        ids = torch.where(drop[:, None], nothing, tokens[pick]).to(device)
        noise = torch.randn(z.shape, generator=generator).to(device)
        times = torch.randint(1000, (options.batch,), generator=generator).to(device)
        for group in optimizer.param_groups:
            group["lr"] = options.learning_rate * clock.rate(step, warmup=200, floor=0.0)
        loss = objective(z, ids, noise, times)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        average.update(model, step)
        step += 1
        sums.append(loss.item())
        if step % 50 == 0:
            common.log(
                options.work / "unet.log", step=step, minutes=clock.spent / 60,
                loss=sum(sums) / len(sums), rate=clock.rate(step, 200, 0.0),
            )
            sums = []
        if clock.spent - saved > 60 or clock.progress >= 1:
            checkpoint.save(
                dict(model=model.state_dict(), average=average.model.state_dict(),
                     optimizer=optimizer.state_dict(), step=step, spent=clock.spent,
                     scale=float(data["scale"]))
            )
            saved = clock.spent


if __name__ == "__main__":
    main()
