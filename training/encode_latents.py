"""Stage 2: scenes to latents, once, so that the U-Net's stage never touches a pixel.

    python encode_latents.py --work FOLDER --count 48000

Renders scenes from consecutive seeds (rerun with --render-only beside stage 1 to save time), encodes
them with the trained autoencoder, and writes latents.npz: the latents' means scaled to unit
variance, the captions, and the scale.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch
from diffusers import AutoencoderKL

import common
import scenes
from train_vae import CONFIG

PIECE = 2000


def render(job: tuple[int, str, str]) -> None:
    """Writes one piece of scenes and captions, unless it is there."""
    piece, world, folder = job
    path = f"{folder}/scenes-{world}-{piece:04d}"
    try:
        with open(path + ".json"):
            return
    except FileNotFoundError:
        pass
    made = [scenes.scene(piece * PIECE + index, world) for index in range(PIECE)]
    np.save(path + ".npy", np.stack([np.asarray(image) for image, _, _ in made]))
    with open(path + ".json", "w") as file:
        json.dump([caption for _, caption, _ in made], file)


@torch.no_grad()
def main() -> None:
    parser = common.arguments(__doc__)
    parser.add_argument("--count", type=int, default=48000)
    parser.add_argument("--render-only", action="store_true")
    options = parser.parse_args()
    common.prepare(options)
    pieces = range(options.count // PIECE)
    with ProcessPoolExecutor(1 if options.render_only else options.threads) as pool:
        jobs = [(piece, options.world, str(options.work)) for piece in pieces]
        list(pool.map(render, jobs))
    if options.render_only:
        return

    model = AutoencoderKL(**CONFIG).eval().to(options.device, memory_format=torch.channels_last)
    model.load_state_dict(common.Checkpoint(options.work / "vae.pt").load(options.device)["average"])
    latents, captions = [], []
    for piece in pieces:
        path = options.work / f"scenes-{options.world}-{piece:04d}"
        pixels = np.load(f"{path}.npy", mmap_mode="r")
        captions += json.loads(path.with_suffix(".json").read_text())
        for start in range(0, PIECE, 50):
            x = torch.from_numpy(np.array(pixels[start : start + 50])).permute(0, 3, 1, 2).float()
            x = (x / 127.5 - 1).to(options.device, memory_format=torch.channels_last)
            with torch.autocast(options.device, dtype=torch.bfloat16):
                h = model.encoder(x)
            mean = model.quant_conv(h.float()).chunk(2, 1)[0]
            latents.append(mean.cpu().contiguous())
        print(f"encoded {(piece + 1) * PIECE} of {options.count}", flush=True)
    every = torch.cat(latents)
    scale = 1 / every.std().item()
    np.savez(
        options.work / "latents.npz", latents=(every * scale).half().numpy(), scale=scale,
        captions=np.array(captions),
    )
    print(f"scale {scale:.5f}, channels' spread {(every * scale).std((0, 2, 3)).tolist()}")


if __name__ == "__main__":
    main()
