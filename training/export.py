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
from safetensors.torch import save_file

import common
import tokenizer
import train_unet
import train_vae
import vocabulary
from train_text import text_config

# Under "fast" what distil.py's LoRA wants.
DEFAULTS = {
    "steps": 16, "guidance": 4.0,
    "fast": {"lora": "fast.safetensors", "sampler": "lcm", "steps": 4, "guidance": 1.0},
}


def write_json(path: Path, settings: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings, indent=2) + "\n")


def write_part(folder: Path, name: str, tensors: dict[str, torch.Tensor], config: dict) -> None:
    """One network's config.json and its weights."""
    write_json(folder / "config.json", config)
    path = folder / f"{name}.safetensors"
    save_file(
        {key: x.half().contiguous() for key, x in tensors.items()}, path, {"format": "pt"}
    )
    path.chmod(0o644)  # safetensors makes files that only their owner can read.


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder of the checkpoints")
    parser.add_argument("--out", type=Path, required=True, help="the model's folder")
    options = parser.parse_args()
    out = options.out

    state = common.Checkpoint(options.work / "unet.pt").load("cpu")
    parts: dict[str, dict[str, torch.Tensor]] = {"text": {}, "unet": {}, "questions": {}}
    for key, x in state["average"].items():
        part, name = key.split(".", 1)
        parts[part][name] = x
    write_part(
        out / "unet", "diffusion_pytorch_model", parts["unet"],
        {"_class_name": "UNet2DConditionModel", **train_unet.unet_config(train_vae.latent_shape())},
    )
    vae = train_vae.trained(options.work)
    write_part(
        out / "vae", "diffusion_pytorch_model", vae,
        {"_class_name": "AutoencoderKL", **train_vae.CONFIG,
         "scaling_factor": round(state["scale"], 6)},
    )
    end = tokenizer.vocabulary_size(options.work / "tokenizer") - 1
    write_part(
        out / "text_encoder", "model", parts["text"],
        {"architectures": ["CLIPTextModel"], "model_type": "clip_text_model", **text_config(end + 1),
         "hidden_act": "quick_gelu", "bos_token_id": end - 1, "eos_token_id": end,
         # transformers computes in the dtype that a config names, diffusers in f32: one for both.
         "pad_token_id": end, "dtype": "float32"},
    )
    shutil.rmtree(out / "tokenizer", ignore_errors=True)
    shutil.copytree(options.work / "tokenizer", out / "tokenizer")
    write_json(out / "scheduler/scheduler_config.json", {
        "_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "dpmsolver++",
        # DDIM and DDPM clip pictures unless told otherwise (clip_sample), and these are latents.
        "solver_order": 2, "steps_offset": 1, **train_unet.SCHEDULE,
    })
    write_json(out / "model_index.json", {
        "_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.35.0",
        "feature_extractor": [None, None], "image_encoder": [None, None],
        "requires_safety_checker": False, "safety_checker": [None, None],
        "scheduler": ["diffusers", "DPMSolverMultistepScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
    })
    vocabulary.write_json(out / "lantern.json", DEFAULTS | vocabulary.picturebook())
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(f"{out}: {size / 1e6:.1f} MB after {state['step']} steps")


if __name__ == "__main__":
    main()
