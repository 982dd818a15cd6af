#!/bin/sh
# xllamacpp 2026.10.11549 (llama.cpp). Of LongRoPE's two lists of factors, which Phi-3's files of long context hold,
# transformers takes the short one for a text of up to original_max_position_embeddings tokens, and so does the paper
# (arXiv:2402.13753). llama.cpp chooses once, by the size of the context that was allocated: the same prompt of five
# tokens gets other probabilities when there is merely room for more.
#
# Seen: with an original length of 384, the largest log-probability differs between contexts of 256 and 512 tokens, and
# not between those of 512 and 1,024.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet xllamacpp==2026.10.11549 gguf==0.19.0 numpy==2.4.6
fi
cat > "$folder/ask.py" <<'PY'
import json
import sys
import gguf
import numpy as np
import xllamacpp

path, context = sys.argv[1], int(sys.argv[2])
rng = np.random.default_rng(0)
width, heads, inner, layers = 32, 2, 48, 2
pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + ["▁"]
kinds = [2, 3, 3] + [6] * 256 + [1]

writer = gguf.GGUFWriter(path, "phi3")
writer.add_name("tiny")
writer.add_context_length(1024)
writer.add_embedding_length(width)
writer.add_block_count(layers)
writer.add_feed_forward_length(inner)
writer.add_head_count(heads)
writer.add_head_count_kv(heads)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_rope_dimension_count(width // heads)
writer.add_rope_freq_base(100.0)
writer.add_rope_scaling_orig_ctx_len(384)
writer.add_tokenizer_model("llama")
writer.add_token_list(pieces)
writer.add_token_scores([0.0] * len(pieces))
writer.add_token_types(kinds)
writer.add_bos_token_id(1)
writer.add_eos_token_id(2)
writer.add_unk_token_id(0)


def matrix(name, *shape):
    writer.add_tensor(name, rng.standard_normal(shape).astype(np.float32))


def ones(name, count):
    writer.add_tensor(name, np.ones(count, np.float32))


matrix("token_embd.weight", len(pieces), width)
matrix("output.weight", len(pieces), width)
ones("output_norm.weight", width)
writer.add_tensor("rope_factors_short.weight", np.ones(width // heads // 2, np.float32))
writer.add_tensor("rope_factors_long.weight", np.full(width // heads // 2, 8, np.float32))
for layer in range(layers):
    name = f"blk.{layer}."
    ones(name + "attn_norm.weight", width)
    ones(name + "ffn_norm.weight", width)
    matrix(name + "attn_qkv.weight", 3 * width, width)
    matrix(name + "attn_output.weight", width, width)
    matrix(name + "ffn_up.weight", 2 * inner, width)
    matrix(name + "ffn_down.weight", width, inner)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()

params = xllamacpp.CommonParams()
params.model.path, params.n_ctx, params.n_parallel, params.warmup = path, context, 1, False
server = xllamacpp.Server(params)
answer = server.handle_completions(
    {"prompt": [1, 70, 71, 72, 73], "n_predict": 1, "temperature": 0, "n_probs": 1, "ignore_eos": True})
answer = answer if isinstance(answer, dict) else json.loads(answer)
first = answer["choices"][0]["logprobs"]["content"][0]
print("token", first["id"], "log-probability", first["logprob"])
PY
for context in 256 512 1024; do
  "$PYTHON" "$folder/ask.py" "$folder/tiny.gguf" $context 2>/dev/null | tail -1 > "$folder/$context"
  echo "context $context: $(cat "$folder/$context")"
done
! cmp -s "$folder/256" "$folder/512" && cmp -s "$folder/512" "$folder/1024"
