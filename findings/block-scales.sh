#!/bin/sh
# diffusers 0.42.1, peft 0.21.2, torch 2.13.0. `set_adapters` takes a scale for each part of a U-Net, as {"down": 0.25,
# "mid": 0.5, "up": 0.75}. It reaches the blocks that have attention alone: what a LoRA adds to the residual blocks of the
# middle, and to whole blocks without attention, stays at 1. One of conv_in ends it.
#
# Seen: scales {"down_blocks": [0.25, 1.0], "mid_block": [0.5, 1.0], "up_blocks": [0.75, 1.0]}, and
# "conv_in: IndexError: list index out of range".
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet diffusers==0.42.1 transformers==5.24.0 peft==0.21.2 torch==2.13.0
fi
"$PYTHON" - 2>/dev/null <<'PY'
import json
import sys
from diffusers import UNet2DConditionModel
from peft import LoraConfig

def unet(layers):
    model = UNet2DConditionModel(
        sample_size=8, layers_per_block=1, block_out_channels=(8, 16), norm_num_groups=4, cross_attention_dim=8,
        attention_head_dim=2, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"))
    model.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=layers))
    return model

model = unet(["to_q", "conv1", "conv2"])
model.set_adapters("default", {"down": 0.25, "mid": 0.5, "up": 0.75})
scales = {}
for name, module in model.named_modules():
    if isinstance(getattr(module, "scaling", None), dict):
        scales.setdefault(name.split(".")[0], set()).add(module.scaling["default"])
scales = {part: sorted(found) for part, found in sorted(scales.items())}
print(json.dumps(scales))
try:
    unet(["conv_in"]).set_adapters("default", {"down": 0.25})
    print("conv_in: taken")
    ends = False
except IndexError as error:
    print(f"conv_in: IndexError: {error}")
    ends = True
wanted = {"down_blocks": [0.25, 1.0], "mid_block": [0.5, 1.0], "up_blocks": [0.75, 1.0]}
sys.exit(0 if ends and scales == wanted else 1)
PY
