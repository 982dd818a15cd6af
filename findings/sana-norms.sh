#!/bin/sh
# diffusers 0.42.1, torch 2.15.0. SanaTransformer2DModel.from_single_file reads a file in the names of SANA's own code,
# but its table of names has none for the norms of queries and keys, which SANA 1.5 and SANA-Sprint have
# (blocks.N.attn.q_norm and three more). Without such norms the file draws what its folder draws. With them the
# converter leaves their tensors lying, nothing is said, and loading ends in an error about meta tensors, which names
# neither the file nor a norm.
#
# Seen: "without norms: difference 0.0; with norms: NotImplementedError: Cannot copy out of meta tensor; no data!".
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet diffusers==0.42.1 torch==2.15.0 transformers==5.24.0 accelerate==1.15.0
fi
"$PYTHON" - "$folder" 2>/dev/null <<'PY'
import sys
from pathlib import Path

import torch
from diffusers import SanaTransformer2DModel
from safetensors.torch import save_file

NAMES = {
    "patch_embed.proj": "x_embedder.proj", "time_embed.linear": "t_block.1",
    "time_embed.emb.timestep_embedder.linear_1": "t_embedder.mlp.0",
    "time_embed.emb.timestep_embedder.linear_2": "t_embedder.mlp.2",
    "caption_projection.linear_1": "y_embedder.y_proj.fc1", "caption_projection.linear_2": "y_embedder.y_proj.fc2",
    "proj_out": "final_layer.linear", "caption_norm": "attention_y_norm",
}
BLOCK = {
    "attn1.to_out.0": "attn.proj", "attn2.to_q": "cross_attn.q_linear", "attn2.to_out.0": "cross_attn.proj",
    "ff.conv_inverted": "mlp.inverted_conv.conv", "ff.conv_depth": "mlp.depth_conv.conv",
    "ff.conv_point": "mlp.point_conv.conv",
    "attn1.norm_q": "attn.q_norm", "attn1.norm_k": "attn.k_norm",
    "attn2.norm_q": "cross_attn.q_norm", "attn2.norm_k": "cross_attn.k_norm",
}


def original(model):
    """The tensors in the names of SANA's own code."""
    left = dict(model.state_dict())
    made = {"pos_embed": torch.zeros(1, 64, 16), "y_embedder.y_embedding": torch.zeros(300, 8)}
    made["final_layer.scale_shift_table"] = left.pop("scale_shift_table")
    for block in range(2):
        ours, theirs = f"transformer_blocks.{block}.", f"blocks.{block}."
        made[theirs + "scale_shift_table"] = left.pop(ours + "scale_shift_table")
        made[theirs + "attn.qkv.weight"] = torch.cat([left.pop(f"{ours}attn1.to_{x}.weight") for x in "qkv"])
        for kind in ("weight", "bias"):
            made[f"{theirs}cross_attn.kv_linear.{kind}"] = torch.cat(
                [left.pop(f"{ours}attn2.to_{x}.{kind}") for x in "kv"])
    for name, tensor in left.items():
        stem, kind = name.rsplit(".", 1)
        if stem in NAMES:
            made[f"{NAMES[stem]}.{kind}"] = tensor
        else:
            _, block, rest = stem.split(".", 2)
            made[f"blocks.{block}.{BLOCK[rest]}.{kind}"] = tensor
    return {name: tensor.contiguous() for name, tensor in made.items()}


def outcome(norm):
    torch.manual_seed(0)
    model = SanaTransformer2DModel(
        in_channels=4, out_channels=4, num_attention_heads=2, attention_head_dim=8, num_layers=2,
        num_cross_attention_heads=2, cross_attention_head_dim=8, cross_attention_dim=16, caption_channels=8,
        mlp_ratio=2.0, sample_size=8, patch_size=1, qk_norm=norm)
    place = Path(sys.argv[1]) / str(norm)
    model.save_pretrained(place)
    save_file(original(model), place / "original.safetensors")
    inputs = dict(hidden_states=torch.randn(1, 4, 8, 8), encoder_hidden_states=torch.randn(1, 5, 8),
                  timestep=torch.tensor([500]))
    try:
        other = SanaTransformer2DModel.from_single_file(place / "original.safetensors", config=str(place))
    except NotImplementedError as error:
        return f"NotImplementedError: {str(error)[:40]}"
    with torch.no_grad():
        return f"difference {(model(**inputs).sample - other(**inputs).sample).abs().max().item()}"


plain, normed = outcome(None), outcome("rms_norm_across_heads")
print(f"without norms: {plain}; with norms: {normed}")
sys.exit(0 if plain == "difference 0.0" and normed.startswith("NotImplementedError: Cannot copy out of meta") else 1)
PY
