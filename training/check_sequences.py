"""Checks the storyteller's training rows: what a masked copy learns from is what drawing will see.

    python check_sequences.py

A story's row in two streams must give, for each picture, the scores that reading everything before it and
then the picture as one block gives; and its clean stream those of reading it alone.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import numpy as np
import torch

import stories
import words
from sequences import CLEAN, SIDE, TOLD, scene_row, story_row, visible
from showo import COPY, Showo, Tokens
from train_storyteller import CONFIG

BITS = 5


@torch.no_grad()
def main() -> None:
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        words.write(Path(folder))
        vocabulary = words.Words(Path(folder))
    tokens = Tokens(len(vocabulary.ids), 2**BITS)
    model = Showo(CONFIG | dict(hidden_size=64, intermediate_size=128, num_hidden_layers=2), tokens, BITS, 8)
    for p in model.parameters():
        p += 0.2 * torch.randn_like(p)
    rng = random.Random(1)
    features = torch.randn(1, TOLD * SIDE * SIDE, 8)
    codes = np.random.default_rng(2).integers(0, 2**BITS, (4, 64))
    for row in (
        story_row(stories.story(7), codes, vocabulary, tokens, rng),
        scene_row([1, 2, 3, 4], codes, vocabulary, tokens, rng),
    ):
        made = {key: torch.from_numpy(x).long()[None] for key, x in row.arrays().items()}
        mask = visible(made["document"], made["block"], made["limit"], torch.float32)
        both = model.hidden(made["ids"], made["positions"], mask, made["feature"], features)[0][0]
        worst = 0.0
        for start in range(CLEAN, both.shape[0], COPY):
            document = made["document"][0, start]
            # Everything of the same document before the picture, then the picture as one block.
            before = [i for i in range(int(made["limit"][0, start])) if made["document"][0, i] == document]
            index = torch.tensor(before + list(range(start, start + COPY)))
            ids, block = made["ids"][:, index], made["block"][0, index]
            see = (torch.arange(len(index))[:, None] >= torch.arange(len(index)))
            see |= (block[:, None] == block) & (block > 0)
            alone = model.hidden(
                ids, torch.arange(len(index))[None],
                torch.zeros(see.shape).masked_fill(~see, -1e4)[None, None],
                made["feature"][:, index], features)[0][0]
            worst = np.maximum(worst, float((alone - both[index]).abs().max()))
        print(f"worst difference {worst:.1e}")
        assert worst < 1e-3


if __name__ == "__main__":
    main()
