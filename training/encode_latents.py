"""Stage 2: scenes to latents, once, so that the U-Net's stage never touches a pixel.

    python encode_latents.py --work FOLDER --count 60000

Renders scenes of consecutive seeds, encodes them with the trained autoencoder, and writes latents.npz:
the latents' means scaled to unit variance, the scale, captions in several wordings, and what is where. Goes
on where it was stopped.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch

import captions
import common
import layout
import scenes
from models import AutoencoderKL
from train_vae import CONFIG

PIECE = 2000


def render(piece: int) -> dict[str, np.ndarray]:
    """Pictures and facts of one piece of consecutive seeds."""
    made = [scenes.scene(piece * PIECE + index) for index in range(PIECE)]
    return dict(
        pictures=np.stack([np.asarray(scene.picture) for scene in made]),
        captions=np.array([
            captions.wordings(scene, piece * PIECE + index) for index, scene in enumerate(made)
        ]),
        slots=np.stack([layout.slots(scene) for scene in made]).astype(np.int8),
        cells=np.stack([layout.cells(scene) for scene in made]).astype(np.int8),
        places=np.array([scenes.PLACES.index(scene.place) for scene in made], np.int8),
    )


@torch.no_grad()
def main() -> None:
    parser = common.arguments(__doc__)
    parser.add_argument("--count", type=int, default=60000)
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    common.prepare(options)
    model = AutoencoderKL(CONFIG).eval().to(options.device, memory_format=torch.channels_last)
    model.load_state_dict(common.Checkpoint(options.work / "vae.pt").load(options.device)["average"])
    encoder = torch.compile(model.encoder) if options.compile else model.encoder

    def encode(pictures: np.ndarray) -> torch.Tensor:
        x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
        with common.autocast(options.device):
            h = encoder(x.to(options.device, memory_format=torch.channels_last))
        return model.quant_conv(h.float()).chunk(2, 1)[0].cpu().contiguous()

    paths = [
        options.work / f"latents-{piece:04d}.npz" for piece in range(options.count // PIECE)
    ]
    missing = [piece for piece, path in enumerate(paths) if not path.exists()]
    with ProcessPoolExecutor(1) as pool:
        for piece, made in zip(missing, pool.map(render, missing)):
            pictures = made.pop("pictures")
            latents = torch.cat([encode(pictures[i : i + 50]) for i in range(0, PIECE, 50)])
            partial = paths[piece].with_suffix(".partial.npz")
            np.savez(partial, latents=latents.half().numpy(), **made)
            partial.rename(paths[piece])
            print(f"encoded {piece + 1} of {len(paths)} pieces", flush=True)

    pieces = [np.load(path) for path in paths]
    every = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0].files}
    spread = every["latents"].astype(np.float32).std()
    every["latents"] = (every["latents"].astype(np.float32) / spread).astype(np.float16)
    np.savez(options.work / "latents.npz", scale=1 / spread, **every)
    channels = every["latents"].astype(np.float32).std((0, 2, 3))
    print(f"scale {1 / spread:.5f}, channels' spread {np.sort(channels).round(2).tolist()}")


if __name__ == "__main__":
    main()
