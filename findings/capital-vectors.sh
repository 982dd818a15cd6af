#!/bin/sh
# diffusers 0.42.1, transformers 5.24.0, torch 2.15.0. A textual inversion of several vectors is one token and
# its continuations: <toy> <toy>_1 <toy>_2. A prompt with <toy> is expanded to all of them; one with <Toy>,
# loaded under that name, is not, so that only its first vector is used, without a warning. The prompt is cut
# into tokens in lower case, and the list of added tokens is asked for the name as it was given.
#
# Seen: "a <toy>" becomes "a <toy> <toy>_1 <toy>_2", "a <Toy>" stays "a <Toy>".
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet diffusers==0.42.1 transformers==5.24.0 torch==2.15.0
fi
"$PYTHON" - "$folder" 2>/dev/null <<'PY'
import json, pathlib, sys
import torch
from diffusers.loaders import TextualInversionLoaderMixin
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

folder = pathlib.Path(sys.argv[1])
letters = [chr(code) for code in range(33, 127)]
words = letters + [letter + "</w>" for letter in letters] + ["<|startoftext|>", "<|endoftext|>"]
(folder / "vocab.json").write_text(json.dumps({word: id for id, word in enumerate(words)}))
(folder / "merges.txt").write_text("#version: 0.2\n")


def expanded(token: str) -> str:
    pipeline = TextualInversionLoaderMixin()
    pipeline.components, pipeline.hf_device_map = {}, None
    pipeline.tokenizer = CLIPTokenizer.from_pretrained(folder)
    pipeline.text_encoder = CLIPTextModel(CLIPTextConfig(
        vocab_size=len(words), hidden_size=8, intermediate_size=8, num_hidden_layers=1,
        num_attention_heads=1, bos_token_id=188, eos_token_id=189))
    pipeline.load_textual_inversion({token: torch.ones(3, 8)}, token=token)
    return pipeline.maybe_convert_prompt(f"a {token}", pipeline.tokenizer)


found = [expanded("<toy>"), expanded("<Toy>")]
for token, text in zip(("<toy>", "<Toy>"), found):
    print(f'"a {token}" becomes "{text}"')
sys.exit(0 if found == ["a <toy> <toy>_1 <toy>_2", "a <Toy>"] else 1)
PY
