"""Writes the storyteller as Show-o's folder, f16: the transformer, the image tokenizer and the words.

    python export_storyteller.py --work FOLDER --out ../weights/storyteller
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

import common
import train_storyteller
import train_tokens
import vocabulary
from showo import Showo, Tokens
from train_storyteller import BITS
from words import Words

# What suits the model when nothing is said.
DEFAULTS = dict(
    pages=4, trained_pages=4, image_steps=12, guidance=1.5, temperature=0.7, top_p=0.95, interleaved=True,
)


def write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


def write_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    save_file({k: v.half().contiguous() for k, v in tensors.items()}, path, {"format": "pt"})
    path.chmod(0o644)


def main() -> None:
    parser = common.arguments(__doc__)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    out = options.out
    for part in ("llm", "magvitv2"):
        (out / part).mkdir(parents=True, exist_ok=True)
    words = Words(options.work / "words")
    tokens = Tokens(len(words.ids), 2**BITS)

    model = Showo(train_storyteller.CONFIG, tokens, BITS, train_storyteller.CHANNELS)
    state = common.Checkpoint(options.work / "storyteller.pt").load("cpu")
    model.load_state_dict(state["average"])
    write_tensors(out / "model.safetensors", model.folded())
    write_json(out / "config.json", dict(
        _class_name="Showo", vocab_size=tokens.size, llm_vocab_size=tokens.text_size,
        codebook_size=2**BITS, num_vq_tokens=train_tokens.SIDE**2, mask_token_id=tokens.mask,
        llm_model_path="llm", w_clip_vit=False, mm_hidden_size=train_storyteller.CHANNELS,
    ))
    vocabulary.write_json(out / "lantern.json", DEFAULTS | vocabulary.storyteller())
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
        shutil.copy(options.work / "words" / name, out / "llm" / name)
    write_json(out / "llm" / "config.json", train_storyteller.CONFIG | dict(vocab_size=tokens.size))
    write_tensors(out / "magvitv2" / "model.safetensors", train_tokens.tokenizer(options.work))
    write_json(out / "magvitv2" / "config.json", dict(_class_name="MAGVITv2", **train_tokens.CONFIG))
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    print(f"{out}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
