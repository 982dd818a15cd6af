#!/bin/sh
# diffusers 0.42.1, torch 2.13.0. StableDiffusionXLAdapterPipeline says that its adapter may be a list of
# T2IAdapters, as StableDiffusionAdapterPipeline's; but it registers the list before it makes a MultiAdapter of
# it, and ends there. A MultiAdapter of the same two is taken.
#
# Seen: "AttributeError: 'list' object has no attribute '__module__'".
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet diffusers==0.42.1 transformers==5.24.0 torch==2.13.0
fi
"$PYTHON" - 2>/dev/null <<'PY'
import sys
from diffusers import MultiAdapter, StableDiffusionXLAdapterPipeline, T2IAdapter

def pipeline(adapter):
    nothing = dict.fromkeys(["vae", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "unet", "scheduler"])
    return StableDiffusionXLAdapterPipeline(**nothing, adapter=adapter)

two = [T2IAdapter(channels=[8, 16], downscale_factor=16, adapter_type="full_adapter_xl") for _ in range(2)]
print("MultiAdapter:", type(pipeline(MultiAdapter(two)).adapter).__name__)
try:
    pipeline(two)
except AttributeError as error:
    print(f"list: AttributeError: {error}")
    sys.exit(0 if "__module__" in str(error) else 1)
print("list: taken")
sys.exit(1)
PY
