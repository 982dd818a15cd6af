"""What a judge's features of rendered scenes are like, for the Fréchet distance of drawn ones.

    python scene_statistics.py --judge ../weights/judge --count 4000

Writes scenes.safetensors beside the judge: mean [feature] and covariance [feature, feature], f32.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

import scenes
from judge import Judge

FRESH = 4 * 10**12


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judge", type=Path, required=True)
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    judge = Judge.load(options.judge)
    found = []
    for start in range(0, options.count, 50):
        made = [scenes.scene(FRESH + start + i, everything=True) for i in range(50)]
        x = torch.from_numpy(np.stack([np.asarray(scene.picture) for scene in made]))
        x = x.permute(0, 3, 1, 2).float() / 127.5 - 1
        found.append(judge.features(x)[-1].mean((2, 3)).double().numpy())
    features = np.concatenate(found)
    path = options.judge / "scenes.safetensors"
    save_file(
        dict(mean=features.mean(0).astype(np.float32), covariance=np.cov(features.T).astype(np.float32)),
        path, {"format": "pt", "scenes": str(len(features))})
    path.chmod(0o644)
    print(f"{path}: {len(features)} scenes, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
