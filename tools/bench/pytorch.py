"""Times Lantern and PyTorch side by side, in turns, and prints ratios.

    python tools/bench/pytorch.py --lantern PROGRAM            # the shipped weights
    python tools/bench/pytorch.py --lantern PROGRAM --large sd15   # a random model of SD 1.5's size
    python tools/bench/pytorch.py --lantern PROGRAM --large sdxl   # of SDXL's

With the shipped weights: whole processes, from the shell to the picture, beside Python that only
imports torch and diffusers, and beside diffusers drawing the same picture. With --large: seconds per
step at the model's own size with guidance, of each precision, beside the same U-Net in PyTorch, f32; the
same of the decoder; and memory.
Needs torch, diffusers, transformers; SD 1.5 takes 2.2 GB of disk and 8 GB of memory, SDXL 7 and 18 GB.
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
from collections.abc import Iterator
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


def scheduler_of(kind: str):
    from diffusers import EulerDiscreteScheduler, PNDMScheduler

    betas = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1)
    if kind == "sd15":
        return PNDMScheduler(skip_prk_steps=True, **betas)
    return EulerDiscreteScheduler(timestep_spacing="leading", **betas)


def unet_of(kind: str):
    """A U-Net of the published shapes, random weights."""
    from diffusers import UNet2DConditionModel

    if kind == "sd15":
        return UNet2DConditionModel(sample_size=64, cross_attention_dim=768)
    return UNet2DConditionModel(
        sample_size=128, cross_attention_dim=2048, block_out_channels=(320, 640, 1280),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 2, 10), attention_head_dim=(5, 10, 20),
        use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=2816)


def make_large(kind: str, folder: Path) -> None:
    """The published shapes, random weights, f16."""
    import torch
    from diffusers import AutoencoderKL, StableDiffusionPipeline, StableDiffusionXLPipeline
    from safetensors.torch import load_file, save_file
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    sys.path.insert(0, str(ROOT / "training"))
    import tokenizer as world

    torch.manual_seed(0)
    torch.set_default_dtype(torch.float16)
    world.write(folder / "world")
    tokenizer = CLIPTokenizer.from_pretrained(folder / "world", model_max_length=77)

    def text_of(width: int, layers: int, **settings) -> CLIPTextConfig:
        return CLIPTextConfig(
            vocab_size=49408, hidden_size=width, intermediate_size=4 * width, num_hidden_layers=layers,
            num_attention_heads=width // 64, bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, **settings)

    vae = AutoencoderKL(
        block_out_channels=[128, 256, 512, 512], layers_per_block=2, latent_channels=4,
        down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4,
        sample_size=512 if kind == "sd15" else 1024)
    parts = dict(vae=vae, text_encoder=CLIPTextModel(text_of(768, 12)), tokenizer=tokenizer,
                 unet=unet_of(kind), scheduler=scheduler_of(kind))
    if kind == "sd15":
        pipeline = StableDiffusionPipeline(
            safety_checker=None, feature_extractor=None, requires_safety_checker=False, **parts)
    else:
        second = CLIPTextModelWithProjection(text_of(1280, 32, hidden_act="gelu", projection_dim=1280))
        pipeline = StableDiffusionXLPipeline(text_encoder_2=second, tokenizer_2=tokenizer, **parts)
    pipeline.save_pretrained(folder)
    # As Stable Diffusion's own folders name them, and as stable-diffusion.cpp wants them.
    weights = folder / "text_encoder" / "model.safetensors"
    renamed = {
        name if name.startswith("text_model.") else f"text_model.{name}": tensor.clone()
        for name, tensor in load_file(weights).items()}
    save_file(renamed, weights, metadata={"format": "pt"})


def torch_seconds(kind: str, folder: Path, rounds: int) -> Iterator[tuple[list[float], list[float]]]:
    """Seconds of U-Net calls with guidance and of a decoder's call by PyTorch, a round at a time."""
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel

    unet = UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32)
    vae = AutoencoderKL.from_pretrained(folder / "vae", torch_dtype=torch.float32)
    unet, vae = (model.to(memory_format=torch.channels_last).eval() for model in (unet, vae))
    side, width = (64, 768) if kind == "sd15" else (128, 2048)
    inputs = (torch.randn(2, 4, side, side), torch.tensor(500), torch.randn(2, 77, width))
    added = dict(text_embeds=torch.randn(2, 1280), time_ids=torch.full((2, 6), float(8 * side)))

    def clocked(call) -> float:
        begin = time.perf_counter()
        with torch.inference_mode():
            call()
        return time.perf_counter() - begin

    for turn in range(rounds):
        steps = [clocked(lambda: unet(*inputs, added_cond_kwargs=added)) for _ in range(2)]
        yield steps[turn == 0 :], [clocked(lambda: vae.decode(inputs[0][:1]))]


def drawn(command: list) -> tuple[list[float], float]:
    """When each step of a picture was done, and the whole."""
    with subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True) as process:
        steps = [time.perf_counter() for line in process.stdout if json.loads(line)["event"] == "step"]
    if process.returncode:
        sys.exit(f"failed: {command}")
    return steps, time.perf_counter()


def large(kind: str, lantern: str, rounds: int, kept: Path | None, precisions: list[str]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = kept or Path(temporary)
        if not (folder / "model_index.json").exists():
            child = os.fork()  # So that the model's memory is given back.
            if child == 0:
                make_large(kind, folder)
                os._exit(0)
            if os.waitpid(child, 0)[1] != 0:
                sys.exit("could not make the model")
        side = 512 if kind == "sd15" else 1024
        command = [lantern, "image", "a castle", "-m", folder, "-W", side, "-H", side, "--steps", 3,
                   "--guidance", 5, "--json", "--overwrite", "-o", Path(temporary) / "castle.png"]
        # Before PyTorch is here: Linux counts a parent's memory as its children's peak.
        whole = {name: timed([*command, "--precision", name]) for name in precisions}
        ours = {name: ([], []) for name in precisions}
        theirs = ([], [])
        for steps, decoding in torch_seconds(kind, folder, rounds):
            theirs[0].extend(steps)
            theirs[1].extend(decoding)
            for name, (found, ends) in ours.items():
                steps, end = drawn([*command, "--precision", name])
                found.extend(b - a for a, b in zip(steps, steps[1:]))
                ends.append(end - steps[-1])
        report(ours, theirs, whole)


def report(ours: dict, theirs: tuple, whole: dict) -> None:
    """Steps, decoding, and whole processes."""
    import torch

    for index, part in enumerate(("a guided step", "decoding and writing")):
        base = statistics.median(theirs[index])
        print(f"{part}: PyTorch {torch.__version__}, f32  {min(theirs[index]):7.2f} {base:7.2f} "
              f"{max(theirs[index]):7.2f} s")
        for name, found in ours.items():
            middle = statistics.median(found[index])
            print(f"  lantern, {name:6} {min(found[index]):7.2f} {middle:7.2f} {max(found[index]):7.2f} s, "
                  f"{middle / base:.2f} of it")
    for name, (seconds, memory) in whole.items():
        print(f"lantern, {name}, 3 steps, the whole process: {seconds:.1f} s, {memory:.0f} MB at most")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lantern", default=ROOT / ".build/release/lantern")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", choices=("sd15", "sdxl"), help="a random model of this one's shapes")
    parser.add_argument("--precision", nargs="+", default=["exact", "fast", "int8"])
    parser.add_argument("--folder", type=Path, help="where the large model is kept for next time")
    options = parser.parse_args()
    if options.large:
        large(options.large, str(options.lantern), options.rounds, options.folder, options.precision)
    else:
        shipped(str(options.lantern), options.rounds)


if __name__ == "__main__":
    main()
