"""What the adapters are to do, as filters of rendered scenes: train_adapters.py shows them these pictures,
and evaluate_adapters.py measures how near to them Lantern draws."""

from __future__ import annotations

import random
from dataclasses import replace

import cv2
import numpy as np

import scenes

# A colour between two of the world's, and the tones that a word of it would have in scenes.COLOURS.
WORD = "turquoise"
TONES = ((0, 58, 62), (22, 186, 178), (186, 250, 244))
BETWEEN = ("blue", "green")

# Prussian blue where a scene is dark, paper where it is light.
DARK, MIDDLE, PAPER = (np.array(tone, np.float32) for tone in ((6, 24, 62), (44, 110, 164), (240, 246, 250)))


def edges(picture: np.ndarray, low: int = 100, high: int = 200) -> np.ndarray:
    """[height, width] bytes, 255 on edges: `cv2.Canny`, which `--control NETWORK:canny:PICTURE` computes."""
    return cv2.Canny(picture, low, high)


def tones(light: np.ndarray) -> np.ndarray:
    """Colours [..., 3] of a cyanotype for lightness of 0 to 1."""
    light = light[..., None]
    return np.where(
        light < 0.5, DARK + (MIDDLE - DARK) * 2 * light, MIDDLE + (PAPER - MIDDLE) * (2 * light - 1))


def cyanotype(picture: np.ndarray) -> np.ndarray:
    """The picture as a cyanotype, the blue prints of early photography."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    return tones(grey).round().clip(0, 255).astype(np.uint8)


def tinted(seed: int) -> tuple[np.ndarray, str]:
    """A scene in which what has a colour has the new one, and its caption with `WORD` for it."""
    rng = random.Random(seed)
    while True:
        scene = scenes.scene(rng.getrandbits(48), draw=False)
        if any(thing.colour for thing in scene.things):
            break
    chosen = rng.choice([thing.colour for thing in scene.things if thing.colour])
    things = [
        replace(thing, colour=WORD if thing.colour == chosen else thing.colour)
        for thing in scene.things
    ]
    words = [WORD if word == chosen else word for word in scene.caption.split()]
    # "an orange cup" becomes "a turquoise cup".
    for index, word in enumerate(words[1:]):
        if word == WORD and words[index] == "an":
            words[index] = "a"
    scenes.COLOURS[WORD] = TONES
    try:
        picture = scenes.paint(things, scene.place, rng)
    finally:
        del scenes.COLOURS[WORD]
    return np.asarray(picture), " ".join(words)
