"""The shipped picturebook's networks, which do not learn: what an adapter is trained against."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

import tokenizer
from models import AutoencoderKL, CLIPTextModel, UNet2DConditionModel
from train_unet import alphas_cumprod

WEIGHTS = Path("../weights/picturebook")


class Picturebook:
    """A model's folder as export.py writes it."""

    def __init__(self, folder: Path, device: str):
        def loaded(kind, part: str, file: str, prefix: str = ""):
            model = kind(json.loads((folder / part / "config.json").read_text()))
            tensors = load_file(folder / part / file)
            model.load_state_dict({k.removeprefix(prefix): v.float() for k, v in tensors.items()})
            return model.eval().requires_grad_(False).to(device)

        self.device = device
        self.tokens = folder / "tokenizer"
        self.guidance = json.loads((folder / "lantern.json").read_text())["guidance"]
        self.config = json.loads((folder / "unet/config.json").read_text())
        self.scale = json.loads((folder / "vae/config.json").read_text())["scaling_factor"]
        self.alphas = alphas_cumprod().to(device)
        name = "diffusion_pytorch_model.safetensors"
        self.text = loaded(CLIPTextModel, "text_encoder", "model.safetensors", "text_model.")
        self.unet = loaded(UNet2DConditionModel, "unet", name).to(memory_format=torch.channels_last)
        self.vae = loaded(AutoencoderKL, "vae", name).to(memory_format=torch.channels_last)

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of a scene's latent."""
        return self.config["in_channels"], self.config["sample_size"], self.config["sample_size"]

    def ids(self, captions: list[str]) -> torch.Tensor:
        return torch.from_numpy(tokenizer.encode(captions, self.tokens)).to(self.device)

    @torch.no_grad()
    def latents(self, pictures: np.ndarray) -> torch.Tensor:
        """The latents' means of pictures [batch, height, width, 3], scaled to unit variance."""
        x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
        x = x.to(self.device, memory_format=torch.channels_last)
        return self.vae.encode(x)[0] * self.scale

    def signal_and_noise(self, times: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """How much of a latent, and how much noise, there is at a timestep."""
        alphas = self.alphas[times][:, None, None, None]
        return alphas.sqrt(), (1 - alphas).sqrt()
