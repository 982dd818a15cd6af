"""Compares the networks of models.py, and an exported folder, with diffusers and transformers.

    python check_models.py [../weights/picturebook]

Needs `pip install diffusers transformers`, which training does without. The same weights and inputs
must give the same numbers to 1e-5 of their size.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file
from transformers import CLIPTextModel, CLIPTokenizer

import models
import scenes
import tokenizer

HERE = Path(__file__).resolve().parent


def expect(name: str, found: torch.Tensor, wanted: torch.Tensor) -> None:
    worst = ((found - wanted).abs().max() / wanted.abs().max()).item()
    print(f"{name}: {worst:.1e}")
    if worst > 1e-5:
        sys.exit(f"{name} differs by {worst:.1e}, more than 1e-5")


@torch.no_grad()
def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "../weights/picturebook"
    torch.manual_seed(0)

    def load(part: str, kind, file: str, reference):
        config = json.loads((folder / part / "config.json").read_text())
        mine = kind(config)
        mine.load_state_dict(
            {key: x.float() for key, x in load_file(folder / part / file).items()}
        )
        return config, mine, reference.from_pretrained(folder / part).float()

    name = "diffusion_pytorch_model.safetensors"
    config, mine, theirs = load("vae", models.AutoencoderKL, name, AutoencoderKL)
    x = torch.randn(2, 3, 64, 64)
    mean, log_variance = mine.encode(x)
    posterior = theirs.encode(x).latent_dist
    expect("autoencoder, mean", mean, posterior.mean)
    expect("autoencoder, log-variance", log_variance, posterior.logvar)
    expect("autoencoder, decoded", mine.decode(mean), theirs.decode(mean).sample)

    config, mine, theirs = load("unet", models.UNet2DConditionModel, name, UNet2DConditionModel)
    side = config["sample_size"]
    z, times = torch.randn(2, config["in_channels"], side, side), torch.tensor([3, 700])
    context = torch.randn(2, tokenizer.LENGTH, config["cross_attention_dim"])
    expect("U-Net", mine(z, times, context)[0], theirs(z, times, context).sample)

    _, mine, theirs = load("text_encoder", models.CLIPTextModel, "model.safetensors", CLIPTextModel)
    captions = [scenes.scene(seed, draw=False).caption for seed in range(200)] + [""]
    ids = torch.from_numpy(tokenizer.encode(captions, folder / "tokenizer"))
    wanted = CLIPTokenizer.from_pretrained(folder / "tokenizer")(
        captions, padding="max_length", truncation=True, max_length=tokenizer.LENGTH,
        return_tensors="pt",
    ).input_ids
    if not torch.equal(ids, wanted):
        sys.exit("the tokenizer gives other ids")
    expect("text encoder", mine(ids), theirs(ids).last_hidden_state)


if __name__ == "__main__":
    main()
