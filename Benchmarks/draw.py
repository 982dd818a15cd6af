"""Draws a picture with diffusers in f32, as `lantern image` does with the same values.

    python draw.py MODEL PROMPT STEPS GUIDANCE SEED FILE
"""

import sys

import torch
from diffusers import StableDiffusionPipeline

model, prompt, steps, guidance, seed, file = sys.argv[1:]
# Without a type transformers keeps that of the weights, and diffusers does not.
pipe = StableDiffusionPipeline.from_pretrained(model, torch_dtype=torch.float32)
pipe.set_progress_bar_config(disable=True)
generator = torch.Generator("cpu").manual_seed(int(seed))
pipe(prompt, num_inference_steps=int(steps), guidance_scale=float(guidance),
     generator=generator).images[0].save(file)
