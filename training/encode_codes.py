"""Stage 8: scenes and stories to codes, once.

    python encode_codes.py --work FOLDER --scenes 16000 --stories 6000

Writes codes-scenes.npy [scene, 64] and codes-stories.npy [story, 4, 64] for consecutive seeds. Goes on
where it was stopped.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch

import common
import scenes
import stories
from magvitv2 import MAGVITv2
from train_tokens import CONFIG, SIDE

PIECE = 2000  # pictures


def scene_pictures(piece: int) -> np.ndarray:
    return np.stack([np.asarray(scenes.scene(piece * PIECE + i).picture) for i in range(PIECE)])


def story_pictures(piece: int) -> np.ndarray:
    told = [(stories.story(seed), seed) for seed in range(piece * PIECE // 4, (piece + 1) * PIECE // 4)]
    return np.stack([
        np.asarray(stories.scene(story, number, seed).picture) for story, seed in told for number in range(4)
    ])


@torch.no_grad()
def main() -> None:
    parser = common.arguments(__doc__)
    parser.add_argument("--scenes", type=int, default=16000)
    parser.add_argument("--stories", type=int, default=6000)
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    common.prepare(options)
    model = MAGVITv2(CONFIG).eval().to(options.device, memory_format=torch.channels_last)
    model.load_state_dict(common.Checkpoint(options.work / "tokens.pt").load(options.device)["average"])
    encoder = torch.compile(model.encoder) if options.compile else model.encoder

    def encode(pictures: np.ndarray) -> np.ndarray:
        found = []
        for start in range(0, len(pictures), 50):
            x = torch.from_numpy(pictures[start : start + 50]).permute(0, 3, 1, 2).float() / 127.5 - 1
            x = x.to(options.device, memory_format=torch.channels_last)
            found.append(model.codes(encoder(x)).cpu().numpy().astype(np.uint16))
        return np.concatenate(found)

    for name, render, count, shape in (
        ("stories", story_pictures, options.stories * 4, (-1, 4, SIDE * SIDE)),
        ("scenes", scene_pictures, options.scenes, (-1, SIDE * SIDE)),
    ):
        paths = [options.work / f"codes-{name}-{piece:04d}.npy" for piece in range(count // PIECE)]
        missing = [piece for piece, path in enumerate(paths) if not path.exists()]
        with ProcessPoolExecutor(1) as pool:
            for piece, pictures in zip(missing, pool.map(render, missing)):
                partial = paths[piece].with_suffix(".partial.npy")
                np.save(partial, encode(pictures))
                partial.rename(paths[piece])
                print(f"{name}: encoded {piece + 1} of {len(paths)} pieces", flush=True)
        np.save(options.work / f"codes-{name}.npy", np.concatenate([np.load(p) for p in paths]).reshape(shape))


if __name__ == "__main__":
    main()
