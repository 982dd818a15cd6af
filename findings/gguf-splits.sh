#!/bin/sh
# transformers 5.24.0, gguf 0.19.0, tokenizers as transformers wants it. A GGUF file names the pre-tokenizer that its
# vocabulary was made with, tokenizer.ggml.pre; transformers, which reads such files, pays no heed to it: "smollm",
# which cuts numbers into digits, is split as GPT-2 splits, and the model is given other tokens than llama.cpp gives it.
#
# Seen: "a 123" is the tokens a, Ġ123 where the file's own split gives a, Ġ, 1, 2, 3.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet transformers==5.24.0 gguf==0.19.0 torch==2.13.0
fi
"$PYTHON" - "$folder" 2>/dev/null <<'PY'
import sys
import gguf
import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer

alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
merges = [("1", "2"), ("12", "3"), ("Ġ", "123")]
tokens = ["<|endoftext|>"] + alphabet + ["".join(m) for m in merges]
writer = gguf.GGUFWriter(f"{sys.argv[1]}/tiny.gguf", "llama")
writer.add_tokenizer_model("gpt2")
writer.add_tokenizer_pre("smollm")
writer.add_token_list(tokens)
writer.add_token_types([gguf.TokenType.CONTROL] + [gguf.TokenType.NORMAL] * (len(tokens) - 1))
writer.add_token_merges([" ".join(m) for m in merges])
for add in (writer.add_bos_token_id, writer.add_eos_token_id, writer.add_unk_token_id):
    add(0)
writer.add_add_bos_token(False)
writer.add_context_length(64)
writer.add_block_count(1)
writer.add_embedding_length(8)
writer.add_feed_forward_length(8)
writer.add_head_count(1)
writer.add_tensor("token_embd.weight", np.zeros((len(tokens), 8), np.float32))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()

found = AutoTokenizer.from_pretrained(sys.argv[1], gguf_file="tiny.gguf").tokenize("a 123")
own = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges))
own.pre_tokenizer = pre_tokenizers.Sequence([
    pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
wanted = own.encode("a 123").tokens
print("transformers:", found)
print("the file's split:", wanted)
sys.exit(0 if found == ["a", "Ġ123"] and wanted == ["a", "Ġ", "1", "2", "3"] else 1)
PY
