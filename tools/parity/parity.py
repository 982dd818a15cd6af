"""Compares Lantern with diffusers through the command line alone: latents after every step, and the
picture.

    python tools/parity/parity.py LANTERN-PROGRAM [--model FOLDER --lora FILE --prompt TEXT ...]

Without --model it makes tiny random models, of the types SD 1 and SD 2, in a temporary folder,
and tries every sampler on them. Needs torch, diffusers, transformers and safetensors.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import diffusers
from diffusers import (
    AutoencoderKL, DDIMScheduler, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel,
)
from PIL import Image
from safetensors.numpy import load_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

SAMPLERS = {
    "ddim": ("DDIM", {}),
    "ddpm": ("DDPM", {}),
    "deis": ("DEISMultistep", {}),
    "dpm++2m": ("DPMSolverMultistep", {}),
    "dpm++2m_sde": ("DPMSolverMultistep", {"algorithm_type": "sde-dpmsolver++"}),
    "dpm2": ("KDPM2Discrete", {}),
    "dpm2_a": ("KDPM2AncestralDiscrete", {}),
    "dpm_singlestep": ("DPMSolverSinglestep", {}),
    "dpm_singlestep_sde": ("DPMSolverSinglestep", {"algorithm_type": "sde-dpmsolver++"}),
    "euler": ("EulerDiscrete", {}),
    "euler_a": ("EulerAncestralDiscrete", {}),
    "heun": ("HeunDiscrete", {}),
    "lcm": ("LCM", {}),
    "lms": ("LMSDiscrete", {}),
    "pndm": ("PNDM", {"skip_prk_steps": True}),
    "sa_solver": ("SASolver", {"algorithm_type": "data_prediction"}),
    "tcd": ("TCD", {}),
    "unipc": ("UniPCMultistep", {}),
    "euler --schedule karras": ("EulerDiscrete", {"use_karras_sigmas": True}),
    "dpm++2m --schedule karras": ("DPMSolverMultistep", {"use_karras_sigmas": True}),
    "dpm++2m --schedule exponential": ("DPMSolverMultistep", {"use_exponential_sigmas": True}),
    "unipc --schedule beta": ("UniPCMultistep", {"use_beta_sigmas": True}),
}
TWICE = ["dpm2", "dpm2_a", "heun"]  # ask the model twice a step, but once in the last
sys.path.insert(0, str(Path(__file__).parents[2] / "training"))
import tokenizer as world_tokenizer  # noqa: E402  (a small CLIP tokenizer, made on the spot)


def make_model(folder: Path, kind: str) -> None:
    """A tiny random model of type sd1 (epsilon, quick_gelu, convolutional projections) or sd2
    (v-prediction, gelu, linear projections, heads per level), or "clipping", which is sd1 with a file
    that does not say whether to clip latents."""
    is_sd2 = kind == "sd2"
    torch.manual_seed(2 if is_sd2 else 1)
    world_tokenizer.write(folder / "world")
    tokenizer = CLIPTokenizer.from_pretrained(folder / "world", model_max_length=77)
    text = CLIPTextModel(CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=3,
        num_attention_heads=4, hidden_act="gelu" if is_sd2 else "quick_gelu",
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    ))
    unet = UNet2DConditionModel(
        sample_size=16, block_out_channels=(32, 64, 64, 64), norm_num_groups=8, layers_per_block=2,
        attention_head_dim=[2, 4, 4, 8] if is_sd2 else 8, cross_attention_dim=32,
        use_linear_projection=is_sd2,
    )
    vae = AutoencoderKL(
        block_out_channels=(16, 32, 32, 32), norm_num_groups=8, layers_per_block=2,
        down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4,
        latent_channels=4, sample_size=128,
    )
    betas = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1,
                 set_alpha_to_one=False)
    scheduler = (
        DDIMScheduler(**betas, clip_sample=False, prediction_type="v_prediction") if is_sd2
        else PNDMScheduler(**betas, skip_prk_steps=True))
    StableDiffusionPipeline(
        vae=vae, text_encoder=text, tokenizer=tokenizer, unet=unet, scheduler=scheduler,
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    ).save_pretrained(folder)
    if kind != "clipping":  # As Stable Diffusion's files have it; diffusers' own default is to clip.
        settings = folder / "scheduler/scheduler_config.json"
        settings.write_text(json.dumps(json.loads(settings.read_text()) | {"clip_sample": False}))


def reference(pipe, scheduler, prompt, negative, steps, guidance, seed, size):
    """What diffusers draws: latents of each step, and the picture in 0...1."""
    pipe.scheduler = scheduler
    latents = []

    def note(_, __, ___, values):
        latents.append(values["latents"][0].numpy().copy())
        return values

    image = pipe(
        prompt, negative_prompt=negative, num_inference_steps=steps, guidance_scale=guidance,
        generator=torch.Generator("cpu").manual_seed(seed), output_type="np",
        callback_on_step_end=note, **size,
    ).images[0]
    return np.stack(latents), image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lantern")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--lora", type=Path, help="added on both sides; needs peft")
    parser.add_argument("--prompt", action="append")
    parser.add_argument("--negative", default="")
    parser.add_argument("--sampler", action="append", choices=list(SAMPLERS))
    parser.add_argument("--steps", type=int, nargs="+")
    parser.add_argument("--guidance", type=float, nargs="+")
    parser.add_argument("--size", type=int, nargs=2, help="height and width")
    options = parser.parse_args()
    torch.set_num_threads(2)
    failed = False
    with tempfile.TemporaryDirectory() as temporary:
        models = [options.model]
        if options.model is None:
            models = [Path(temporary) / kind for kind in ("sd1", "sd2", "clipping")]
            for model in models:
                make_model(model, model.name)
        for model in models:
            pipe = StableDiffusionPipeline.from_pretrained(
                model, torch_dtype=torch.float32, safety_checker=None
            )
            pipe.set_progress_bar_config(disable=True)
            if options.lora:
                pipe.load_lora_weights(options.lora.parent, weight_name=options.lora.name)
            written = pipe.scheduler.config
            # Clipping lets small errors grow: from 20 steps on PyTorch on one thread and on two differ
            # by 0.4 to 1 % of the latents' deviation.
            is_clipping = model.name == "clipping"
            samplers = ["ddpm", "ddim"] if is_clipping else SAMPLERS
            for sampler in options.sampler or samplers:
                kind, changes = SAMPLERS[sampler]
                for prompt in options.prompt or ["a red fox, on the beach"]:
                    for steps in options.steps or [1, 2, 7, 20][:3 if is_clipping else 4]:
                        for guidance in options.guidance or [7.5]:
                            failed |= compare(
                                options, pipe, model, written, sampler, kind, changes, prompt,
                                steps, guidance, Path(temporary))
    sys.exit(failed)


def compare(options, pipe, model, written, sampler, kind, changes, prompt, steps, guidance, folder):
    scheduler = getattr(diffusers, f"{kind}Scheduler").from_config(written, **changes)
    size = dict(height=options.size[0], width=options.size[1]) if options.size else {}
    latents, image = reference(
        pipe, scheduler, prompt, options.negative, steps, guidance, 42, size)
    if sampler in TWICE:
        latents = np.concatenate([latents[1:-1:2], latents[-1:]])
    elif sampler == "pndm" and len(latents) > 1:
        latents = latents[1:]
    flags = ["-H", str(options.size[0]), "-W", str(options.size[1])] if options.size else []
    flags += ["--lora", options.lora] if options.lora else []
    subprocess.run(
        [options.lantern, "image", prompt, "--precision", "exact", "-m", model,
         "--sampler", *sampler.split(), "--literal", "--steps", str(steps), "-g", str(guidance), "-s", "42", "-q", "-n", options.negative,
         "-o", folder / "out.png", "--trace", folder / "out.safetensors", "--overwrite",
         *flags],
        check=True, stdout=subprocess.DEVNULL)
    trace = load_file(folder / "out.safetensors")
    ours = trace["latents"]
    if ours.shape != latents.shape:
        print(f"{model.name:12} {sampler:28} steps {steps:3}: shapes {ours.shape} {latents.shape}")
        return True
    worst = np.max([np.abs(a - b).max() / b.std() for a, b in zip(ours, latents)])
    drawn = np.asarray(Image.open(folder / "out.png")).astype(int)
    wanted = np.round(image * 255).astype(int)
    pixels = np.abs(drawn - wanted).max()
    good = worst < 1e-3 and pixels <= 2
    print(
        f"{model.name:12} {sampler:28} steps {steps:3} guidance {guidance:4}: latents {worst:.1e} of "
        f"their deviation, picture {pixels}/255, {prompt!r}{'' if good else '   <-- too much'}",
        flush=True)
    return not good


if __name__ == "__main__":
    main()
