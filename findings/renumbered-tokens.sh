#!/bin/sh
# transformers 5.24.0. A tokenizer's folder says in added_tokens.json which id an added token has. Where that
# leaves a gap behind the vocabulary (other tokens were taken out, or the embedding has spare rows), the token
# is loaded without a warning under the next free id instead, so that it picks another row of the embedding.
#
# Seen: "vocabulary of 190, file says <b> is 199, loaded as 190".
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet transformers==5.24.0
fi
"$PYTHON" - "$folder" <<'PY'
import json, pathlib, sys
from transformers import CLIPTokenizer

folder = pathlib.Path(sys.argv[1])
letters = [chr(code) for code in range(33, 127)]
words = letters + [letter + "</w>" for letter in letters] + ["<|startoftext|>", "<|endoftext|>"]
said = len(words) + 9
(folder / "vocab.json").write_text(json.dumps({word: id for id, word in enumerate(words)}))
(folder / "merges.txt").write_text("#version: 0.2\n")
(folder / "tokenizer_config.json").write_text('{"tokenizer_class": "CLIPTokenizer"}')
(folder / "added_tokens.json").write_text(json.dumps({"<b>": said}))
found = CLIPTokenizer.from_pretrained(folder).convert_tokens_to_ids("<b>")
print(f"vocabulary of {len(words)}, file says <b> is {said}, loaded as {found}")
sys.exit(0 if found == len(words) else 1)
PY
