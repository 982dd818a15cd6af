#!/bin/sh
# transformers 5.24.0, torch 2.15.0. A CLIP text encoder whose configuration says eos_token_id 2, as those of
# SDXL do, takes its pooled vector where the highest id stands. A token that textual inversion adds has a
# higher id than the end of the text: the pooled vector, and with it all of SDXL's picture, is then that of
# the added word and not of the prompt. With the true id in the configuration it is the prompt's.
#
# Seen: "eos_token_id 2: pooled at 2, without the added token at 4; eos_token_id 99: pooled at 4".
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet transformers==5.24.0 torch==2.15.0
fi
"$PYTHON" - <<'PY'
import sys

import torch
from transformers import CLIPTextConfig, CLIPTextModelWithProjection


def pooled(end, ids):
    """The position whose state the pooled vector is made of."""
    torch.manual_seed(0)
    model = CLIPTextModelWithProjection(CLIPTextConfig(
        vocab_size=100, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        projection_dim=8, bos_token_id=0, eos_token_id=end, pad_token_id=1)).eval()
    model.resize_token_embeddings(101)
    with torch.no_grad():
        found = model(torch.tensor([ids]))
        each = model.text_projection(found.last_hidden_state[0])
    return int((each - found.text_embeds).abs().max(dim=1).values.argmin())


added, plain = [98, 5, 100, 7, 99, 99, 99], [98, 5, 6, 7, 99, 99, 99]
seen = (pooled(2, added), pooled(2, plain), pooled(99, added))
print(f"eos_token_id 2: pooled at {seen[0]}, without the added token at {seen[1]}; "
      f"eos_token_id 99: pooled at {seen[2]}")
sys.exit(0 if seen == (2, 4, 4) else 1)
PY
