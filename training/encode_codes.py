"""Stage 9: scenes and stories to codes, once.

    python encode_codes.py --work FOLDER --scenes 24000 --stories 6000

Writes codes-scenes.npy [scene, 64] and codes-stories.npy [story, 4, 64] for consecutive seeds, and for
scenes features-scenes.npy [scene, 64, channel], what the codes were made of. Goes on where it was stopped.
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
    parser.add_argument("--scenes", type=int, default=24000)
    parser.add_argument("--stories", type=int, default=6000)
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    common.prepare(options)
    model = MAGVITv2(CONFIG).eval().to(options.device, memory_format=torch.channels_last)
    model.load_state_dict(common.Checkpoint(options.work / "tokens.pt").load(options.device)["average"])
    features_of = torch.compile(model.encoder.features) if options.compile else model.encoder.features

    def encode(pictures: np.ndarray) -> dict[str, np.ndarray]:
        codes, features = [], []
        for start in range(0, len(pictures), 50):
            x = torch.from_numpy(pictures[start : start + 50]).permute(0, 3, 1, 2).float() / 127.5 - 1
            h = features_of(x.to(options.device, memory_format=torch.channels_last))
            codes.append(model.codes(model.encoder.bits(h)).cpu().numpy().astype(np.uint16))
            features.append(h.flatten(2).transpose(1, 2).half().cpu().numpy())
        return dict(codes=np.concatenate(codes), features=np.concatenate(features))

    for name, render, count, wanted, shape in (
        ("stories", story_pictures, options.stories * 4, ("codes",), (-1, 4, SIDE * SIDE)),
        ("scenes", scene_pictures, options.scenes, ("codes", "features"), None),
    ):
        paths = {
            kind: [options.work / f"{kind}-{name}-{piece:04d}.npy" for piece in range(count // PIECE)]
            for kind in wanted
        }
        missing = [piece for piece, path in enumerate(paths[wanted[-1]]) if not path.exists()]
        with ProcessPoolExecutor(1) as pool:
            for piece, pictures in zip(missing, pool.map(render, missing)):
                made = encode(pictures)
                for kind in wanted:
                    partial = paths[kind][piece].with_suffix(".partial.npy")
                    np.save(partial, made[kind])
                    partial.rename(paths[kind][piece])
                print(f"{name}: encoded {piece + 1} of {count // PIECE} pieces", flush=True)
        for kind in wanted:
            whole = np.concatenate([np.load(p) for p in paths[kind]])
            np.save(options.work / f"{kind}-{name}.npy", whole.reshape(shape) if shape else whole)


if __name__ == "__main__":
    main()
