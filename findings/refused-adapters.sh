#!/bin/sh
# transformers 5.24.0, peft 0.21.2, torch 2.15.0. pip installs these together without a word, and peft 0.21.2 was
# the newest when this was tried; but add_adapter of any model, as diffusers calls it for the text encoder's
# part of a LoRA, asks for peft 0.22 and ends there.
#
# Seen: "ValueError: The version of PEFT you are using is not compatible, please use a version >= 0.22.0".
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet transformers==5.24.0 peft==0.21.2 torch==2.15.0
fi
"$PYTHON" - 2>/dev/null <<'PY'
import sys
from peft import LoraConfig
from transformers import CLIPTextConfig, CLIPTextModel

model = CLIPTextModel(CLIPTextConfig(
    vocab_size=32, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
    bos_token_id=0, eos_token_id=1))
try:
    model.add_adapter(LoraConfig(r=2, target_modules=["q_proj"]))
except ValueError as error:
    print(f"ValueError: {error}")
    sys.exit(0 if "0.22.0" in str(error) else 1)
print("added")
sys.exit(1)
PY
