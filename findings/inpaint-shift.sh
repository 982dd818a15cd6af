#!/bin/sh
# diffusers 0.42.1. StableDiffusion3InpaintPipeline decodes latents / scaling_factor and forgets the autoencoder's
# shift_factor, which it takes off the picture that it encodes, and which StableDiffusion3Pipeline and its img2img add:
# the picture comes from other latents.
#
# Seen: img2img decodes "shifted", inpaint "not shifted".
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
    AutoencoderKL, FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Img2ImgPipeline,
    StableDiffusion3InpaintPipeline)
from PIL import Image

torch.manual_seed(0)
vae = AutoencoderKL(
    block_out_channels=(8, 8, 8, 8), norm_num_groups=4, layers_per_block=1, latent_channels=16, sample_size=64,
    scaling_factor=1.5305, shift_factor=0.5, use_quant_conv=False, use_post_quant_conv=False,
    down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4).eval()
transformer = SD3Transformer2DModel(
    sample_size=8, patch_size=1, in_channels=16, out_channels=16, num_layers=1, attention_head_dim=8,
    num_attention_heads=4, caption_projection_dim=32, joint_attention_dim=32, pooled_projection_dim=64,
    pos_embed_max_size=96).eval()
picture = Image.new("RGB", (64, 64), "orange")

def decoded(kind, **more):
    """Which latents the picture comes from."""
    pipeline = kind(
        transformer=transformer, scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0), vae=vae, text_encoder=None,
        tokenizer=None, text_encoder_2=None, tokenizer_2=None, text_encoder_3=None, tokenizer_3=None)
    pipeline.set_progress_bar_config(disable=True)
    def run(output):
        return pipeline(
            image=picture, prompt_embeds=torch.zeros(1, 4, 32), pooled_prompt_embeds=torch.zeros(1, 64), strength=0.5,
            num_inference_steps=4, guidance_scale=1.0, height=64, width=64, output_type=output,
            generator=torch.Generator().manual_seed(1), **more).images
    latents, found = run("latent"), run("pt")
    for name, shift in (("shifted", vae.config.shift_factor), ("not shifted", 0)):
        with torch.no_grad():
            wanted = vae.decode(latents / vae.config.scaling_factor + shift).sample / 2 + 0.5
        if torch.allclose(found, wanted.clamp(0, 1), atol=1e-6):
            return name
    return "other"

found = (
    decoded(StableDiffusion3Img2ImgPipeline),
    decoded(StableDiffusion3InpaintPipeline, mask_image=Image.new("L", (64, 64), 255)))
print(found)
assert found == ("shifted", "not shifted"), found
PY
