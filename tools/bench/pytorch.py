"""Times Lantern and PyTorch side by side, in turns, and prints ratios.

    python tools/bench/pytorch.py --lantern PROGRAM            # the shipped weights
    python tools/bench/pytorch.py --lantern PROGRAM --large    # a random model of SD 1.5's size

With the shipped weights: whole processes, from the shell to the picture, beside Python that only
imports torch and diffusers, and beside diffusers drawing the same picture. With --large: seconds per
step at 512×512 with guidance, beside the same U-Net in PyTorch, f32; and memory.
Needs torch, diffusers, transformers; --large takes 2.2 GB of disk and 8 GB of memory.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
DRAW = """
import sys, torch
from diffusers import StableDiffusionPipeline
pipe = StableDiffusionPipeline.from_pretrained(sys.argv[1])
pipe.set_progress_bar_config(disable=True)
pipe("a red fox on the beach", num_inference_steps=int(sys.argv[2]), guidance_scale=float(sys.argv[3]),
     generator=torch.Generator("cpu").manual_seed(42)).images[0].save(sys.argv[4])
"""


def timed(command: list) -> tuple[float, float]:
    """Seconds and peak megabytes of a whole process."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    if status != 0:
        sys.exit(f"failed: {command}")
    scale = 1 if sys.platform == "darwin" else 1024
    return seconds, usage.ru_maxrss * scale / 1e6


def shipped(lantern: str, rounds: int) -> None:
    model = ROOT / "weights/picturebook"
    defaults = json.loads((model / "lantern.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder) / "ours.png", Path(folder) / "theirs.png"
        commands = {
            "lantern image": [lantern, "image", "a red fox on the beach", "-m", model, "--seed", 42,
                              "--overwrite", "-o", ours],
            "python, imports alone": [sys.executable, "-c", "import torch, diffusers"],
            "diffusers, same picture": [
                sys.executable, "-c", DRAW, model, defaults["steps"], defaults["guidance"], theirs],
        }
        found = {name: [] for name in commands}
        for turn in range(rounds + 1):
            for name, command in commands.items():
                result = timed(command)
                if turn:  # The first turn fills the file cache.
                    found[name].append(result)
    base = statistics.median(seconds for seconds, _ in found["lantern image"])
    for name, results in found.items():
        seconds = [seconds for seconds, _ in results]
        print(f"{name:26} {min(seconds):6.2f} {statistics.median(seconds):6.2f} "
              f"{max(seconds):6.2f} s   {max(memory for _, memory in results):6.0f} MB   "
              f"{statistics.median(seconds) / base:5.2f} × Lantern")


def make_large(folder: Path) -> None:
    """Stable Diffusion 1.5's shapes, random weights, f16."""
    import torch
    from diffusers import (
        AutoencoderKL, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel)
    from safetensors.torch import load_file, save_file
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    sys.path.insert(0, str(ROOT / "training"))
    import tokenizer as world

    torch.manual_seed(0)
    world.write(folder / "world")
    tokenizer = CLIPTokenizer.from_pretrained(folder / "world", model_max_length=77)
    text = CLIPTextModel(CLIPTextConfig(
        vocab_size=49408, hidden_size=768, intermediate_size=3072, num_hidden_layers=12,
        num_attention_heads=12, bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id))
    unet = UNet2DConditionModel(sample_size=64, cross_attention_dim=768)
    vae = AutoencoderKL(
        block_out_channels=[128, 256, 512, 512], layers_per_block=2, latent_channels=4,
        down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4)
    scheduler = PNDMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", skip_prk_steps=True,
        steps_offset=1)
    StableDiffusionPipeline(
        vae=vae, text_encoder=text, tokenizer=tokenizer, unet=unet, scheduler=scheduler,
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    ).to(torch.float16).save_pretrained(folder)
    # As Stable Diffusion's own folders name them, and as stable-diffusion.cpp wants them.
    weights = folder / "text_encoder" / "model.safetensors"
    renamed = {
        name if name.startswith("text_model.") else f"text_model.{name}": tensor.clone()
        for name, tensor in load_file(weights).items()}
    save_file(renamed, weights, metadata={"format": "pt"})


def large(lantern: str, rounds: int, kept: Path | None) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = kept or Path(temporary)
        if not (folder / "model_index.json").exists():
            child = os.fork()  # So that the model's memory is given back.
            if child == 0:
                make_large(folder)
                os._exit(0)
            if os.waitpid(child, 0)[1] != 0:
                sys.exit("could not make the model")
        command = [lantern, "image", "a castle", "-m", folder, "-W", 512, "-H", 512, "--steps", 3,
                   "--json", "--overwrite", "-o", Path(temporary) / "castle.png"]
        # Before PyTorch is here: Linux counts a parent's memory as its children's peak.
        seconds, memory = timed(command)
        import torch
        from diffusers import UNet2DConditionModel

        unet = UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32)
        unet = unet.to(memory_format=torch.channels_last).eval()
        inputs = (torch.randn(2, 4, 64, 64), torch.tensor(500), torch.randn(2, 77, 768))
        ours, theirs = [], []
        for turn in range(rounds):
            drawn = subprocess.run(
                [str(part) for part in command], stdout=subprocess.PIPE, text=True, check=True)
            events = [json.loads(line) for line in drawn.stdout.splitlines()]
            at = [event["seconds"] for event in events if event["event"] == "step"]
            ours += [b - a for a, b in zip(at, at[1:])]
            with torch.inference_mode():
                for _ in range(2):
                    begin = time.perf_counter()
                    unet(*inputs)
                    theirs.append(time.perf_counter() - begin)
            del theirs[:1 if turn == 0 else 0]
        a, b = statistics.median(ours), statistics.median(theirs)
        print(f"lantern, f16 weights, a step  {min(ours):6.2f} {a:6.2f} {max(ours):6.2f} s")
        print(f"PyTorch {torch.__version__}, f32   {min(theirs):6.2f} {b:6.2f} {max(theirs):6.2f} s"
              f"   Lantern takes {a / b:.2f} of it")
        print(f"lantern, 3 steps and decoding: {seconds:.1f} s, {memory:.0f} MB at most")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lantern", default=ROOT / ".build/release/lantern")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--folder", type=Path, help="where the large model is kept for next time")
    options = parser.parse_args()
    if options.large:
        large(str(options.lantern), options.rounds, options.folder)
    else:
        shipped(str(options.lantern), options.rounds)


if __name__ == "__main__":
    main()
