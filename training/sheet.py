"""Draws a sheet of samples from the checkpoints, to watch the training; needs no export.

    python sheet.py --work FOLDER --out sheet.png          # subjects × 3 prompts
    python sheet.py --work FOLDER --out vae.png --vae      # scenes over their reconstructions
"""

from __future__ import annotations

import random

import numpy as np
import torch
from PIL import Image, ImageDraw

import common
import scenes
import tokenizer
import train_unet
import train_vae
from export import DEFAULTS
from models import AutoencoderKL, CLIPTextModel, UNet2DConditionModel
from train_text import text_config


def grid(pictures: np.ndarray, columns: int, labels: list[str] | None = None) -> Image.Image:
    """One picture of many [count, height, width, channel], with their labels below them."""
    side, room = pictures.shape[1], 12 if labels else 0
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * side, rows * (side + room)), "white")
    draw = ImageDraw.Draw(sheet)
    for index, picture in enumerate(pictures):
        x, y = index % columns * side, index // columns * (side + room)
        sheet.paste(Image.fromarray(picture), (x, y))
        if labels:
            draw.text((x + 1, y + side), labels[index][: side // 5], fill="black")
    return sheet


def prompts(each: int) -> list[str]:
    """`each` prompts for every subject, the first in its own colours, in places by chance."""
    rng = random.Random(7)
    found = []
    for subject in scenes.SUBJECTS:
        for index in range(each):
            colour = rng.choice(list(scenes.COLOURS)) if index else None
            thing = scenes.Thing(subject, colour, 0, 0, 0)
            found.append(scenes.told(scenes.noun(thing), rng.choice(scenes.PLACES), False))
    return found


def solve(denoise, z: torch.Tensor, steps: int) -> torch.Tensor:
    """DPM-Solver++ (2M), arXiv:2211.01095, on evenly spaced timesteps; `denoise` predicts velocity."""
    alphas = train_unet.alphas_cumprod().double()
    times = torch.linspace(len(alphas) - 1, 0, steps + 1).round().long()
    a, s = alphas[times].sqrt().tolist(), (1 - alphas[times]).sqrt().tolist()
    a[-1], s[-1] = 1.0, 0.0
    before, step_before = None, None
    for index in range(steps):
        clean = a[index] * z - s[index] * denoise(z, times[index])
        if index == steps - 1:
            return clean
        step = np.log(a[index + 1] / s[index + 1]) - np.log(a[index] / s[index])
        target = clean
        if before is not None:
            target = clean + step / step_before / 2 * (clean - before)
        z = s[index + 1] / s[index] * z - a[index + 1] * np.expm1(-step) * target
        before, step_before = clean, step
    return z


@torch.no_grad()
def draw(work, vae: AutoencoderKL, words: list[str], device: str) -> np.ndarray:
    """A picture for each prompt, with the weights' moving average."""
    state = common.Checkpoint(work / "unet.pt").load(device)
    shape, folder = train_vae.latent_shape(), work / "tokenizer"
    model = torch.nn.ModuleDict(dict(
        text=CLIPTextModel(text_config(tokenizer.vocabulary_size(folder))),
        unet=UNet2DConditionModel(train_unet.unet_config(shape)),
    )).to(device).eval()
    model.load_state_dict(state["average"], strict=False)

    def encode(lines: list[str]) -> torch.Tensor:
        return model["text"](torch.from_numpy(tokenizer.encode(lines, folder)).to(device))

    pictures = []
    for start in range(0, len(words), 48):
        lines = words[start : start + 48]
        context = torch.cat([encode([""] * len(lines)), encode(lines)])

        def denoise(z: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
            times = time.to(device).expand(2 * len(z))
            without, found = model["unet"](torch.cat([z, z]), times, context)[0].chunk(2)
            return without + DEFAULTS["guidance"] * (found - without)

        generator = torch.Generator().manual_seed(start)
        z = torch.randn(len(lines), *shape, generator=generator).to(device)
        z = solve(denoise, z, DEFAULTS["steps"])
        pictures.append(pixels(vae.decode(z / state["scale"])))
    return np.concatenate(pictures)


def pixels(x: torch.Tensor) -> np.ndarray:
    """−1...1, channels first, to bytes, channels last."""
    return ((x / 2 + 0.5).clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()


@torch.no_grad()
def main() -> None:
    parser = common.arguments(__doc__)
    parser.add_argument("--out", required=True)
    parser.add_argument("--vae", action="store_true")
    parser.add_argument("--each", type=int, default=3, help="pictures of each subject")
    options = parser.parse_args()
    common.prepare(options)
    vae = AutoencoderKL(train_vae.CONFIG).to(options.device).eval()
    vae.load_state_dict(train_vae.trained(options.work))
    if options.vae:
        made = [np.array(scenes.scene(train_vae.FRESH + i).picture) for i in range(30)]
        x = torch.from_numpy(np.stack(made)).permute(0, 3, 1, 2).float().to(options.device)
        y = pixels(vae.decode(vae.encode(x / 127.5 - 1)[0]))
        rows = [picture for i in range(0, 30, 10) for picture in [*made[i : i + 10], *y[i : i + 10]]]
        grid(np.stack(rows), 10).save(options.out)
        return
    words = prompts(options.each)
    grid(draw(options.work, vae, words, options.device), 4 * options.each, words).save(options.out)


if __name__ == "__main__":
    main()
