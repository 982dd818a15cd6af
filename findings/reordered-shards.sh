#!/bin/sh
# transformers 5.24.0. A model of some class is saved in shards in the order in which its modules were made: the table of
# tokens first, the head last. Loaded again and saved again, with the same limit of bytes, its shards hold other tensors:
# now the order is that of the names, lm_head.weight in the first. So two folders of one model, of equal tensors, differ in
# every shard by whether the model that wrote them was itself read from a folder.
#
# Seen: lm_head.weight in shard 6 of 6 at first, in shard 1 of 6 after loading; the third save equals the second.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet transformers==5.24.0 torch==2.13.0
fi
"$PYTHON" - "$folder" 2>/dev/null <<'PY'
import json
import sys
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

model = LlamaForCausalLM(LlamaConfig(
    vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4))
maps, tensors = [], []
for name in "abc":
    place = Path(sys.argv[1]) / name
    model.save_pretrained(place, max_shard_size="20KB")
    maps.append(json.loads((place / "model.safetensors.index.json").read_text())["weight_map"])
    tensors.append(model.state_dict())
    model = LlamaForCausalLM.from_pretrained(place)
same = all(torch.equal(x, tensors[2][key]) for key, x in tensors[0].items())
print("equal tensors:", same, "lm_head.weight:", [found["lm_head.weight"] for found in maps])
changed = maps[0]["lm_head.weight"].startswith("model-00006") and maps[1]["lm_head.weight"].startswith("model-00001")
sys.exit(0 if same and changed and maps[1] == maps[2] else 1)
PY
