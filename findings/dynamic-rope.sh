#!/bin/sh
# transformers 5.24.0, torch 2.15.0. With rope_type "dynamic" the frequencies of a rotary embedding follow the
# longest position of a call. Keys that a cache holds keep the frequencies of the call that made them, so
# beyond the length of training the same tokens give other logits when they are read one by one, as generate()
# does, than when they are read at once, as a perplexity is measured.
#
# Seen: "within the length: equal; beyond it: not equal".
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet transformers==5.24.0 torch==2.15.0
fi
"$PYTHON" - <<'PY' 2>/dev/null
import sys
import torch
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
length = 16
model = LlamaForCausalLM(LlamaConfig(
    vocab_size=50, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
    max_position_embeddings=length, initializer_range=0.3,
    rope_parameters={"rope_type": "dynamic", "factor": 4.0, "rope_theta": 10000.0})).eval()
tokens = torch.randint(0, 50, (1, 3 * length))


def is_equal(count):
    with torch.no_grad():
        at_once = model(tokens[:, :count]).logits[0, -1]
        cache = None
        for index in range(count):
            step = model(tokens[:, index:index + 1], past_key_values=cache, use_cache=True)
            cache = step.past_key_values
    return (at_once - step.logits[0, -1]).abs().max().item() < 1e-4 * at_once.abs().max().item()


within, beyond = is_equal(length), is_equal(3 * length)
print(f"within the length: {'equal' if within else 'not equal'}; beyond it: {'equal' if beyond else 'not equal'}")
sys.exit(0 if within and not beyond else 1)
PY
