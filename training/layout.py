"""What is where in a scene, as numbers: extra targets that teach the text encoder and the U-Net faster.

Captions and pictures are made from the same list of things, so it can be asked back: of the text
encoder at the last tokens, which a caption never reaches (what, in which colour, how large, about
where), and of the U-Net's middle for every eighth of the picture. The questions are for training
alone; what is shipped has no such heads.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import scenes

MOST = 4  # things in a scene
NOTHING = len(scenes.SUBJECTS)
OWN = len(scenes.COLOURS)
GRID = 8  # places along each side
SIZES = (42, 57, 90)  # pixels between the four classes of size
SLOT_CLASSES = (NOTHING + 1, OWN + 1, len(SIZES) + 1, GRID, GRID)
CELL_CLASSES = (NOTHING + 1, OWN + 1)
IGNORED = -100


def slots(scene: scenes.Scene) -> np.ndarray:
    """[MOST, 5]: subject, colour, size, column and row of each thing, as the caption names them."""
    found = np.full((MOST, 5), IGNORED, np.int64)
    found[:, 0] = NOTHING
    for row, thing in zip(found, scene.things):
        row[:] = (
            scenes.SUBJECTS.index(thing.subject), colour(thing), np.searchsorted(SIZES, thing.size),
            thing.x * GRID // scenes.SIZE, thing.y * GRID // scenes.SIZE,
        )
    return found


def colour(thing: scenes.Thing) -> int:
    return list(scenes.COLOURS).index(thing.colour) if thing.colour else OWN


def cells(scene: scenes.Scene, side: int = GRID) -> np.ndarray:
    """[2, side, side]: subject and colour of what stands at each place."""
    found = np.full((2, side, side), IGNORED, np.int64)
    found[0] = NOTHING
    middles = (np.arange(side) + 0.5) * scenes.SIZE / side
    for thing in scene.things:
        reach = 0.45 * thing.size
        across, down = abs(middles - thing.x) < reach, abs(middles - thing.y) < reach
        found[0][np.ix_(down, across)] = scenes.SUBJECTS.index(thing.subject)
        found[1][np.ix_(down, across)] = colour(thing)
    return found


class Questions(nn.Module):
    """The heads that ask."""

    def __init__(self, text_width: int, middle_width: int):
        super().__init__()
        self.slots = nn.Linear(text_width, sum(SLOT_CLASSES))
        self.place = nn.Linear(text_width, len(scenes.PLACES))
        self.cells = nn.Conv2d(middle_width, sum(CELL_CLASSES), 1)

    def text_loss(
        self, hidden: torch.Tensor, wanted: torch.Tensor, places: torch.Tensor
    ) -> torch.Tensor:
        """Of hidden states [batch, token, feature]: slots at the last tokens, the place before them."""
        found = self.slots(hidden[:, -MOST:]).float().split(SLOT_CLASSES, -1)
        loss = F.cross_entropy(self.place(hidden[:, -MOST - 1]).float(), places)
        for index, logits in enumerate(found):
            loss = loss + F.cross_entropy(
                logits.flatten(0, 1), wanted[..., index].flatten(), ignore_index=IGNORED
            )
        return loss

    def middle_loss(self, middle: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """Of the U-Net's middle [batch, channel, GRID, GRID]."""
        found = self.cells(middle).float().split(CELL_CLASSES, 1)
        return sum(
            F.cross_entropy(logits, wanted[:, index], ignore_index=IGNORED)
            for index, logits in enumerate(found)
        )
