"""Times Lantern and PyTorch side by side on a transformer of Show-o's size with random weights: 1.4 billion
parameters, pictures of 1,024 tokens (512×512).

    python tools/bench/showo.py --lantern .build/release/lantern [--work FOLDER]

PyTorch runs what Show-o's code runs in a step of guided drawing: transformers' Phi in f32 on two whole
sequences. Lantern runs the program on the same weights in f16, once with two steps and once with six, so
that loading and decoding fall out of the difference. Needs torch, transformers and safetensors, 16 GB of
memory and 4 GB of disk.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import PhiConfig, PhiForCausalLM

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "training"), str(ROOT / "tools" / "bench")]
from magvitv2 import MAGVITv2  # noqa: E402
from pytorch import timed  # noqa: E402

TEXT, CODES, PICTURE = 50295, 8192, 1024
VOCABULARY = TEXT + 10 + CODES + 1


def phi(layers: int) -> PhiForCausalLM:
    config = PhiConfig(
        vocab_size=VOCABULARY, hidden_size=2048, intermediate_size=8192, num_hidden_layers=layers,
        num_attention_heads=32, qk_layernorm=True, tie_word_embeddings=False)
    torch.manual_seed(0)
    return PhiForCausalLM(config).eval().requires_grad_(False)


def write(folder: Path, model: PhiForCausalLM) -> None:
    """The folder of the transformer, MAGVIT-v2 in it, and the words of a test's tokenizer."""
    for part in ("phi-1_5", "magvitv2"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(dict(
        _class_name="Showo", vocab_size=VOCABULARY, llm_vocab_size=TEXT, codebook_size=CODES,
        num_vq_tokens=PICTURE, mask_token_id=VOCABULARY - 1, llm_model_path="microsoft/phi-1_5",
        w_clip_vit=False)))
    save_file(
        {f"showo.{k}": v.half().contiguous() for k, v in model.state_dict().items()},
        folder / "model.safetensors")
    (folder / "phi-1_5" / "config.json").write_text(
        json.dumps(dict(num_hidden_layers=model.config.num_hidden_layers)))
    words = json.loads((ROOT / "Tests" / "Fixtures" / "gpt2_tokenizer.json").read_text())
    (folder / "phi-1_5" / "vocab.json").write_text(json.dumps(words["vocab"]))
    (folder / "phi-1_5" / "merges.txt").write_text("\n".join(["#version: 0.2", *words["merges"], ""]))
    (folder / "magvitv2" / "config.json").write_text("{}")
    save_file(magvit(), folder / "magvitv2" / "model.safetensors")


def magvit() -> dict[str, torch.Tensor]:
    """Random weights under the names of Show-o's MAGVIT-v2."""
    model = MAGVITv2(dict(
        ch=128, z_channels=13, norm_num_groups=32, encoder_ch_mult=[1, 2, 2, 4, 4],
        encoder_num_res_blocks=[4, 3, 4, 3, 4], decoder_ch_mult=[1, 1, 2, 2, 4],
        decoder_num_res_blocks=[4, 4, 3, 4, 3]))
    return {k: v.half().contiguous() for k, v in model.state_dict().items()}


def peer(layers: int) -> None:
    """Prints the seconds of PyTorch's step and the most gigabytes of its process."""
    model = phi(layers)
    length = PICTURE + 2 + 8
    ids = torch.randint(0, VOCABULARY, (2, length))
    mask = torch.zeros(2, 1, length, length)
    with torch.no_grad():
        model(ids, attention_mask=mask)
        start = time.monotonic()
        model(ids, attention_mask=mask)
    print(time.monotonic() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lantern", default=str(ROOT / ".build" / "release" / "lantern"))
    parser.add_argument("--work", type=Path, help="where the folder of random weights is made, and kept")
    parser.add_argument("--layers", type=int, default=24, help="fewer for a quick look")
    parser.add_argument("--part", choices=["write", "peer"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        # Processes of their own: a child begins with the memory that its parent had.
        if options.part == "write":
            return write(options.work / "show-o", phi(options.layers))
        return peer(options.layers)
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        again = [sys.executable, __file__, "--work", str(work), "--layers", str(options.layers), "--part"]
        if not (work / "show-o" / "magvitv2" / "model.safetensors").exists():
            subprocess.run([*again, "write"], check=True)
        found = subprocess.run([*again, "peer"], check=True, capture_output=True, text=True).stdout
        theirs, memory = map(float, found.split()[-2:])
        command = [options.lantern, "paint", "a red fox", "-m", work / "show-o", "--overwrite",
                   "-o", f"{temporary}/a.png"]
        short, _ = timed([*command, "--steps", "2", "-q"])
        long, peak = timed([*command, "--steps", "6", "-q"])
        ours = (long - short) / 4
    print(f"PyTorch, f32             {theirs:6.2f} s a guided step  {memory:5.1f} GB")
    print(f"lantern paint, f16 file  {ours:6.2f} s a guided step  {peak / 1e3:5.1f} GB  {ours / theirs:.2f} of it")
    print(f"lantern, whole process of two steps: {short:.1f} s")


if __name__ == "__main__":
    main()
