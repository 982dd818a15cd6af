"""Last stage: checkpoints to a model's folder as diffusers lays it out, f16.

    python export.py --work FOLDER --out ../weights/picturebook

The folder loads in diffusers with StableDiffusionPipeline.from_pretrained, and in Lantern.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL, DPMSolverMultistepScheduler, StableDiffusionPipeline, UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

import common
from train_unet import SCHEDULE, text_config, unet_config
from train_vae import CONFIG, latent_shape

DEFAULTS = {"steps": 30, "guidance": 4.0}


def settle(path: Path, **settings) -> None:
    """Changes settings in a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | settings, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder of the checkpoints")
    parser.add_argument("--out", type=Path, required=True, help="the model's folder, replaced")
    options = parser.parse_args()

    state = common.Checkpoint(options.work / "unet.pt").load("cpu")
    vae = AutoencoderKL(**CONFIG, scaling_factor=round(state["scale"], 6))
    autoencoder = common.Checkpoint(options.work / "decoder.pt").load("cpu")
    autoencoder = autoencoder or common.Checkpoint(options.work / "vae.pt").load("cpu")
    vae.load_state_dict(autoencoder["average"])
    tokenizer = CLIPTokenizer.from_pretrained(options.work / "tokenizer")
    text = CLIPTextModel(CLIPTextConfig(**text_config(len(tokenizer), tokenizer.eos_token_id)))
    unet = UNet2DConditionModel(**unet_config(latent_shape(), text.config.hidden_size))
    torch.nn.ModuleDict(dict(text=text, unet=unet)).load_state_dict(state["average"])

    pipeline = StableDiffusionPipeline(
        vae=vae, text_encoder=text, tokenizer=tokenizer, unet=unet,
        scheduler=DPMSolverMultistepScheduler(
            **{key: value for key, value in SCHEDULE.items() if key != "clip_sample"},
            steps_offset=1,
        ),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    ).to(torch.float16)
    card = options.out / "MODEL.md"
    words = card.read_text() if card.exists() else None
    shutil.rmtree(options.out, ignore_errors=True)
    pipeline.save_pretrained(options.out, safe_serialization=True)
    # DDIM and DDPM clip pictures unless told otherwise, and these are latents.
    settle(options.out / "scheduler/scheduler_config.json", clip_sample=False)
    # transformers computes in the dtype that a config names, diffusers in f32: one pipeline, one dtype.
    settle(options.out / "text_encoder/config.json", dtype="float32")
    # The form of the tokenizer's files that every reader of CLIP knows.
    shutil.rmtree(options.out / "tokenizer")
    shutil.copytree(options.work / "tokenizer", options.out / "tokenizer")
    (options.out / "lantern.json").write_text(json.dumps(DEFAULTS, indent=2) + "\n")
    for path in options.out.rglob("*.safetensors"):
        path.chmod(0o644)  # safetensors makes files that only their owner can read.
    if words is not None:
        card.write_text(words)
    size = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file())
    print(f"{options.out}: {size / 1e6:.1f} MB after {state['step']} steps")


if __name__ == "__main__":
    main()
