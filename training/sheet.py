"""Draws a sheet of samples from the checkpoints, to watch the training; needs no export.

    python sheet.py --work FOLDER --out sheet.png          # subjects × 3 prompts
    python sheet.py --work FOLDER --out vae.png --vae      # scenes over their reconstructions
"""

from __future__ import annotations

import random

import numpy as np
import torch
from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, UNet2DConditionModel
from PIL import Image, ImageDraw
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

import common
import scenes
import tokenizer as tokenizer_files
from export import DEFAULTS
from train_unet import SCHEDULE, text_config, unet_config
from train_vae import CONFIG, latent_shape


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


def prompts(world: str, each: int) -> list[str]:
    """`each` prompts for every subject of the world, with colours and places in turn."""
    chosen, rng = scenes.WORLDS[world], random.Random(7)
    found = []
    for subject in chosen.subjects:
        for index in range(each):
            colour = rng.choice(chosen.colours) if index else ""
            name = f"{colour} {subject}".strip()
            article = "an" if name[0] in "aeiou" else "a"
            found.append(f"{article} {name} {rng.choice(chosen.places)}".strip())
    return found


@torch.no_grad()
def draw(state: dict, vae: AutoencoderKL, folder, words: list[str], device: str) -> np.ndarray:
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    text = CLIPTextModel(CLIPTextConfig(**text_config(len(tokenizer), tokenizer.eos_token_id)))
    shape = latent_shape()
    unet = UNet2DConditionModel(**unet_config(shape, text.config.hidden_size))
    model = torch.nn.ModuleDict(dict(text=text, unet=unet)).to(device).eval()
    model.load_state_dict(state["average"])

    def encode(lines: list[str]) -> torch.Tensor:
        tokens = tokenizer(lines, padding="max_length", truncation=True, return_tensors="pt",
                           max_length=tokenizer_files.LENGTH).input_ids
        return text(tokens.to(device)).last_hidden_state

    pictures = []
    for start in range(0, len(words), 30):
        lines = words[start : start + 30]
        context = torch.cat([encode([""] * len(lines)), encode(lines)])
        known = {key: value for key, value in SCHEDULE.items() if key != "clip_sample"}
        scheduler = DPMSolverMultistepScheduler(**known, steps_offset=1)
        scheduler.set_timesteps(DEFAULTS["steps"])
        generator = torch.Generator().manual_seed(start)
        z = torch.randn(len(lines), *shape, generator=generator).to(device)
        for time in scheduler.timesteps:
            without, found = unet(torch.cat([z, z]), time, context).sample.chunk(2)
            z = scheduler.step(
                without + DEFAULTS["guidance"] * (found - without), time, z).prev_sample
        x = vae.decode(z / state["scale"]).sample
        pictures.append(pixels(x))
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
    vae = AutoencoderKL(**CONFIG).to(options.device).eval()
    state = common.Checkpoint(options.work / "decoder.pt").load(options.device)
    state = state or common.Checkpoint(options.work / "vae.pt").load(options.device)
    vae.load_state_dict(state["average"])
    if options.vae:
        made = [np.array(scenes.scene(10**12 + i, options.world)[0]) for i in range(12)]
        x = torch.from_numpy(np.stack(made)).permute(0, 3, 1, 2).float().to(options.device)
        y = pixels(vae.decode(vae.encode(x / 127.5 - 1).latent_dist.mode()).sample)
        grid(np.concatenate([np.stack(made), y]), 12).save(options.out)
        return
    state = common.Checkpoint(options.work / "unet.pt").load(options.device)
    words = prompts(options.world, options.each)
    pictures = draw(state, vae, options.work / "tokenizer", words, options.device)
    grid(pictures, 2 * options.each, words).save(options.out)


if __name__ == "__main__":
    main()
