#!/bin/sh
# diffusers 0.42.1, torch 2.15.0. AutoencoderTiny takes the size of a latent's pixels, where it decodes in tiles,
# from the number of channels of a picture (2 to the power of out_channels, so 8) and not from its levels. That
# is right for the four levels of TAESD alone: a model of two levels decodes a latent whole, and ends in an
# error about sizes with enable_tiling().
#
# Seen: "whole (1, 3, 192, 192), scale in tiles 8 instead of 2, tiled: RuntimeError".
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet diffusers==0.42.1 torch==2.15.0 transformers==5.24.0
fi
"$PYTHON" - <<'PY'
import sys
import torch
from diffusers import AutoencoderTiny

torch.manual_seed(0)
model = AutoencoderTiny(
    encoder_block_out_channels=(8, 8), decoder_block_out_channels=(8, 8),
    num_encoder_blocks=(1, 1), num_decoder_blocks=(1, 1)).eval()
latent = torch.randn(1, 4, 96, 96)
with torch.no_grad():
    whole = tuple(model.decode(latent).sample.shape)
    model.enable_tiling()
    try:
        tiled = str(tuple(model.decode(latent).sample.shape))
    except RuntimeError:
        tiled = "RuntimeError"
print(f"whole {whole}, scale in tiles {model.spatial_scale_factor} instead of 2, tiled: {tiled}")
sys.exit(0 if whole == (1, 3, 192, 192) and tiled == "RuntimeError" else 1)
PY
