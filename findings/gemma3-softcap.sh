#!/bin/sh
# transformers 5.24.0. Gemma3TextConfig takes attn_logit_softcapping, as Gemma2Config does, and says that it caps the
# logits of attention; Gemma 3's attention never gets it. Set or not, the logits are the same bits. Gemma 2's differ.
#
# Seen: largest difference 0.0 of Gemma 3 with a cap of 0.01, more than 0 of Gemma 2.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet transformers==5.24.0 torch==2.13.0
fi
"$PYTHON" - 2>/dev/null <<'PY'
import sys
import torch
from transformers import Gemma2Config, Gemma2ForCausalLM, Gemma3ForCausalLM, Gemma3TextConfig

sizes = dict(
    vocab_size=40, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
    num_key_value_heads=1, head_dim=16, attn_implementation="eager", initializer_range=0.5)
ids = torch.arange(12)[None]


def difference(config, model):
    logits = []
    for cap in (None, 0.01):
        torch.manual_seed(0)
        made = model(config(**sizes, attn_logit_softcapping=cap)).eval()
        with torch.no_grad():
            logits.append(made(ids).logits)
    return float((logits[0] - logits[1]).abs().max())


third, second = difference(Gemma3TextConfig, Gemma3ForCausalLM), difference(Gemma2Config, Gemma2ForCausalLM)
print("Gemma 3:", third, "Gemma 2:", second)
sys.exit(0 if third == 0 and second > 0 else 1)
PY
