#!/bin/sh
# diffusers 0.42.1. ZImageImg2ImgPipeline does not bring the picture to the height and width that are asked for, as
# FLUX's img2img does: a call that gives both fails inside the first step of noise, with the sizes of latents in its
# message, and only the picture's own size works.
#
# Seen: FLUX 128x128; Z-Image RuntimeError "The size of tensor a (16) must match the size of tensor b (8) ...".
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet diffusers==0.42.1 transformers==5.24 torch numpy pillow
fi
"$PYTHON" - 2>/dev/null <<'PY'
import torch
from diffusers import (
    AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxImg2ImgPipeline, FluxTransformer2DModel, ZImageImg2ImgPipeline,
    ZImageTransformer2DModel)
from PIL import Image

torch.manual_seed(0)
picture = Image.new("RGB", (64, 64), "orange")

def vae():
    return AutoencoderKL(
        block_out_channels=(8, 8, 8, 8), norm_num_groups=4, layers_per_block=1, latent_channels=4, sample_size=64,
        scaling_factor=0.36, shift_factor=0.11, use_quant_conv=False, use_post_quant_conv=False,
        down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4)

def size(pipeline, embeds, **more):
    """The size of the picture that comes of 128×128, or the error."""
    pipeline.set_progress_bar_config(disable=True)
    try:
        image = pipeline(
            image=picture, prompt_embeds=embeds, height=128, width=128, strength=0.5, num_inference_steps=4,
            guidance_scale=0.0, **more).images[0]
        return "%dx%d" % image.size
    except Exception as error:
        return f"{type(error).__name__}: {error}"

flux = FluxImg2ImgPipeline(
    scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0), vae=vae(), text_encoder=None, tokenizer=None,
    text_encoder_2=None, tokenizer_2=None, transformer=FluxTransformer2DModel(
        in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=12, num_attention_heads=2,
        joint_attention_dim=12, pooled_projection_dim=12, axes_dims_rope=[4, 4, 4]))
z_image = ZImageImg2ImgPipeline(
    scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0), vae=vae(), text_encoder=None, tokenizer=None,
    transformer=ZImageTransformer2DModel(
        in_channels=4, dim=24, n_layers=2, n_refiner_layers=1, n_heads=2, n_kv_heads=2, cap_feat_dim=12,
        axes_dims=[4, 4, 4], axes_lens=[1024, 64, 64]))
found = (
    size(flux, torch.zeros(1, 4, 12), pooled_prompt_embeds=torch.zeros(1, 12)),
    size(z_image, [torch.zeros(4, 12)]))
print(found)
assert found[0] == "128x128" and found[1].startswith("RuntimeError: The size of tensor a (16)"), found
PY
