"""The picturebook's world: words, scenes and captions, each made from an integer seed.

A scene is a painted place with emoji glyphs on it (Noto Color Emoji, rendered from the font file),
and a caption that says what is to be seen. The same seed always gives the same picture and words.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIZE = 128  # a scene's side, in the units in which things are laid out
SCALE = int(os.environ.get("PICTUREBOOK_SCALE", "1"))  # pixels to a unit: 2 for the third version
PIXELS = SIZE * SCALE
GLYPHS = {
    "cat": "🐈", "dog": "🐕", "fox": "🦊", "bear": "🐻", "frog": "🐸", "owl": "🦉", "penguin": "🐧",
    "rabbit": "🐇", "elephant": "🐘", "lion": "🦁", "pig": "🐖", "fish": "🐟", "car": "🚗",
    "bus": "🚌", "boat": "⛵", "rocket": "🚀", "train": "🚂", "balloon": "🎈", "bicycle": "🚲",
    "tree": "🌳", "flower": "🌻", "cactus": "🌵", "mushroom": "🍄", "house": "🏠", "castle": "🏰",
    "tent": "⛺", "tower": "🗼", "apple": "🍎", "banana": "🍌", "cake": "🎂", "pizza": "🍕",
    "ice cream": "🍦", "cup": "☕", "book": "📖", "key": "🔑", "lamp": "💡", "guitar": "🎸",
    "drum": "🥁", "umbrella": "☂️", "clock": "⏰", "robot": "🤖", "ghost": "👻", "star": "⭐",
    "moon": "🌙", "sun": "🌞", "crown": "👑", "gift": "🎁", "snowman": "⛄",
}
SUBJECTS = list(GLYPHS)
# dark, middle and light tone of each colour word
COLOURS = {
    "red": ((70, 0, 8), (214, 30, 38), (255, 176, 166)),
    "orange": ((84, 34, 0), (242, 128, 20), (255, 220, 170)),
    "yellow": ((92, 66, 0), (246, 206, 26), (255, 248, 184)),
    "green": ((4, 50, 12), (44, 160, 60), (196, 244, 190)),
    "blue": ((4, 20, 84), (36, 98, 222), (182, 216, 255)),
    "purple": ((42, 6, 74), (134, 58, 196), (226, 194, 255)),
    "pink": ((98, 16, 58), (244, 112, 172), (255, 220, 238)),
    "white": ((120, 124, 132), (226, 228, 232), (255, 255, 255)),
    "black": ((6, 6, 8), (42, 42, 48), (128, 130, 138)),
    "brown": ((42, 22, 8), (126, 78, 42), (218, 184, 148)),
}
PLACES = [
    "in a meadow", "by the sea", "in the desert", "in the snow", "at night", "in the forest",
    "in the city", "in space", "on the beach", "",
]
COUNTS = {2: "two", 3: "three", 4: "four"}
PLURALS = {
    "fox": "foxes", "fish": "fish", "bus": "buses", "cactus": "cactuses", "snowman": "snowmen",
    "ice cream": "ice creams",
}


# How often a scene is of each kind.
KINDS = {"single": 0.3, "pair": 0.38, "count": 0.16, "group": 0.16}


def held_out(colour: str | None, subject: str) -> bool:
    """Whether a colour on a subject is kept from training, to test composition."""
    if colour is None:
        return False
    return (list(COLOURS).index(colour) + SUBJECTS.index(subject)) % 7 == 0


def held_out_pair(first: str, second: str) -> bool:
    """Whether two subjects together are kept from training."""
    if first == second:
        return False
    i, j = sorted((SUBJECTS.index(first), SUBJECTS.index(second)))
    return (i + 2 * j) % 11 == 0


# ---- pictures ------------------------------------------------------------------------------------


def font_path() -> str:
    """The glyphs' font: the environment's PICTUREBOOK_FONT, or Debian's fonts-noto-color-emoji."""
    return os.environ.get(
        "PICTUREBOOK_FONT", "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
    )


@lru_cache(maxsize=None)
def _glyph(subject: str) -> Image.Image:
    font = ImageFont.truetype(font_path(), 109)
    canvas = Image.new("RGBA", (160, 160))
    ImageDraw.Draw(canvas).text((12, 12), GLYPHS[subject], font=font, embedded_color=True)
    return canvas.crop(canvas.getbbox())


@lru_cache(maxsize=4096)
def glyph(subject: str, colour: str | None, size: int) -> Image.Image:
    """The subject `size` pixels along its longer side; a colour word tints it by its luminance."""
    image = _glyph(subject)
    scale = size / max(image.size)
    image = image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.LANCZOS
    )
    if colour is None:
        return image
    pixels = np.asarray(image).astype(np.float32)
    light = pixels[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32) / 255
    inside = pixels[..., 3] > 128
    low, high = np.percentile(light[inside], [2, 98])
    light = np.clip((light - low) / max(high - low, 1e-3), 0, 1)[..., None]
    dark, middle, bright = (np.array(tone, np.float32) for tone in COLOURS[colour])
    tinted = np.where(
        light < 0.5,
        dark + (middle - dark) * light * 2,
        middle + (bright - middle) * (light * 2 - 1),
    )
    return Image.fromarray(
        np.concatenate([tinted, pixels[..., 3:]], -1).round().astype(np.uint8), "RGBA"
    )


def _gradient(top, bottom, first: int = 0, last: int = SIZE) -> np.ndarray:
    count = (last - first) * SCALE
    rows = np.linspace(0, 1, count)[:, None, None]
    return np.broadcast_to(np.array(top) * (1 - rows) + np.array(bottom) * rows, (count, PIXELS, 3))


def place(name: str, rng: random.Random) -> Image.Image:
    """A painted background with random detail."""
    horizon = rng.randint(74, 86)
    picture = np.zeros((PIXELS, PIXELS, 3), np.float32)

    def sky_and_ground(sky_top, sky_low, ground_top, ground_low):
        picture[: horizon * SCALE] = _gradient(sky_top, sky_low, 0, horizon)
        picture[horizon * SCALE :] = _gradient(ground_top, ground_low, horizon, SIZE)

    if name == "in a meadow":
        sky_and_ground((120, 190, 240), (206, 234, 250), (126, 196, 84), (74, 150, 54))
    elif name == "by the sea":
        sky_and_ground((140, 200, 240), (222, 240, 250), (40, 120, 180), (20, 80, 140))
    elif name == "in the desert":
        sky_and_ground((250, 190, 110), (255, 226, 170), (226, 176, 100), (196, 140, 70))
    elif name == "in the snow":
        sky_and_ground((176, 198, 220), (220, 232, 242), (246, 250, 254), (216, 228, 242))
    elif name == "at night":
        sky_and_ground((14, 18, 56), (52, 54, 112), (34, 52, 50), (18, 30, 32))
    elif name == "in the forest":
        sky_and_ground((150, 196, 150), (190, 220, 180), (70, 104, 50), (46, 72, 34))
    elif name == "in the city":
        sky_and_ground((170, 184, 204), (226, 226, 226), (110, 112, 118), (80, 82, 88))
    elif name == "in space":
        picture[:] = _gradient((8, 6, 22), (30, 14, 52))
    elif name == "on the beach":
        shore = horizon - 16
        picture[: shore * SCALE] = _gradient((110, 196, 244), (200, 236, 252), 0, shore)
        picture[shore * SCALE : horizon * SCALE] = _gradient((30, 136, 190), (84, 190, 210), shore, horizon)
        picture[horizon * SCALE :] = _gradient((240, 218, 160), (222, 190, 124), horizon, SIZE)
    else:
        shade = rng.uniform(0.94, 1.0)
        tone = np.array(rng.choice([(246, 242, 232), (240, 244, 248), (244, 244, 244)])) * shade
        picture[:] = _gradient(tone, tone * 0.96)
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    brush = ImageDraw.Draw(image)

    def draw(shape, box, *rest, **fill):
        # A unit's last pixel belongs to the box, as a pixel's does where both are one.
        x0, y0, x1, y1 = (v * SCALE for v in box)
        shape((x0, y0, x1 + SCALE - 1, y1 + SCALE - 1), *rest, **fill)

    def spots(count, top, bottom, radii, fills):
        for _ in range(count):
            x, y, r = rng.randint(0, SIZE), rng.randint(top, bottom), rng.choice(radii)
            draw(brush.ellipse, (x - r, y - r, x + r, y + r), fill=rng.choice(fills))

    if name == "in a meadow":
        spots(9, horizon + 6, SIZE, (1, 2), [(250, 240, 120), (255, 255, 255), (240, 150, 180)])
    elif name == "by the sea":
        for _ in range(10):
            x, y = rng.randint(0, SIZE), rng.randint(horizon + 4, SIZE - 4)
            draw(brush.arc, (x - 8, y - 3, x + 8, y + 3), 180, 360, fill=(190, 226, 244))
    elif name == "in the desert":
        for _ in range(3):
            x, w = rng.randint(0, SIZE), rng.randint(30, 60)
            draw(brush.ellipse, (x - w, horizon + 4, x + w, horizon + 60), fill=(214, 160, 86))
    elif name == "in the snow":
        spots(28, 0, SIZE, (1, 1, 2), [(255, 255, 255)])
    elif name == "at night":
        spots(20, 0, horizon - 6, (0, 1), [(255, 250, 210), (220, 226, 255)])
    elif name == "in the forest":
        for _ in range(9):
            x, w = rng.randint(0, SIZE), rng.randint(3, 6)
            draw(brush.rectangle, (x - w // 2, 20, x + w // 2, horizon + 4), fill=(84, 60, 40))
            draw(brush.ellipse, (x - 14, 4, x + 14, 44), fill=rng.choice([(50, 110, 50), (66, 128, 60)]))
    elif name == "in the city":
        x = 0
        while x < SIZE:
            w, h = rng.randint(14, 26), rng.randint(24, 62)
            tone = rng.randint(96, 160)
            draw(brush.rectangle, (x, horizon - h, x + w - 2, horizon), fill=(tone, tone, tone + 10))
            x += w
    elif name == "in space":
        spots(30, 0, SIZE, (0, 0, 1), [(255, 255, 255), (255, 230, 190), (200, 220, 255)])
    elif name == "on the beach":
        spots(8, horizon + 4, SIZE, (1, 1, 2), [(206, 172, 108), (250, 236, 200)])
    return image.filter(ImageFilter.GaussianBlur(0.5 * SCALE))


@dataclass(frozen=True)
class Thing:
    """A subject in a scene: what, in which colour, where its middle is, how large."""

    subject: str
    colour: str | None
    x: int
    y: int
    size: int
    size_word: str = ""


def paint(things: list[Thing], where: str, rng: random.Random) -> Image.Image:
    """The scene's picture, [PIXELS, PIXELS] RGB."""
    image = place(where, rng)
    for thing in things:
        mark = glyph(thing.subject, thing.colour, thing.size * SCALE)
        x, y = thing.x * SCALE, thing.y * SCALE
        image.paste(mark, (x - mark.width // 2, y - mark.height // 2), mark)
    return image


# ---- words ---------------------------------------------------------------------------------------


def noun(thing: Thing) -> str:
    """"a small red fox"."""
    words = [word for word in (thing.size_word, thing.colour, thing.subject) if word]
    article = "an" if words[0][0] in "aeiou" else "a"
    return " ".join([article, *words])


def plural(subject: str, colour: str | None, count: int) -> str:
    """"two red foxes"."""
    name = PLURALS.get(subject, subject + "s")
    return " ".join(word for word in (COUNTS[count], colour, name) if word)


def listed(phrases: list[str]) -> str:
    """"a cat, a dog and a fox"."""
    return phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} and {phrases[-1]}"


def told(phrase: str, where: str, place_first: bool) -> str:
    """The phrase with its place, if one is named, behind it or before it."""
    if not where:
        return phrase
    return f"{where}, {phrase}" if place_first else f"{phrase} {where}"


class Dice(random.Random):
    """Chance that keeps to what may be trained on, or knows no bounds."""

    def __init__(self, seed: int, everything: bool = False):
        super().__init__(seed)
        self.everything = everything

    def colour(self, subject: str) -> str | None:
        """A colour for the subject, often its own (None)."""
        if self.random() < 0.45:
            return None
        return self.choice([c for c in COLOURS if self.everything or not held_out(c, subject)])

    def another(self, subjects: list[str]) -> str:
        """A subject that may stand beside these."""
        return self.choice([
            other for other in SUBJECTS
            if other not in subjects
            and (self.everything or not any(held_out_pair(other, s) for s in subjects))
        ])


# Where things stand: side by side, one above the other, and by number.
SIDES, STACK = [(34, 67), (94, 67)], [(64, 35), (64, 94)]
SPOTS = {
    2: SIDES, 3: [(64, 36), (34, 94), (94, 94)], 4: [(34, 36), (94, 36), (34, 94), (94, 94)],
}
# Pixels along the longer side by size word, alone and beside another.
ALONE = {"": (62, 84), "small": (36, 44), "big": (98, 110)}
BESIDE = {"": (46, 54), "small": (32, 38), "big": (58, 62)}


def _single(rng: Dice) -> tuple[list[Thing], str]:
    subject = rng.choice(SUBJECTS)
    size_word = rng.choice(["", "", "", "small", "big"])
    spread = 6 if size_word == "big" else 14
    thing = Thing(
        subject, rng.colour(subject), 64 + rng.randint(-spread, spread),
        66 + rng.randint(-spread, spread), rng.randint(*ALONE[size_word]), size_word,
    )
    phrase = noun(thing)
    if rng.random() < 0.12:
        phrase = "one " + phrase.split(" ", 1)[1]
    return [thing], phrase


def _pair(rng: Dice) -> tuple[list[Thing], str]:
    first = rng.choice(SUBJECTS)
    second = rng.another([first])
    upright, sized = rng.random() < 0.4, rng.random() < 0.2
    things = []
    for subject, (x, y) in zip((first, second), STACK if upright else SIDES):
        size_word = rng.choice(["small", "big", ""]) if sized else ""
        things.append(
            Thing(
                subject, rng.colour(subject), x + rng.randint(-3, 3), y + rng.randint(-3, 3),
                rng.randint(*BESIDE[size_word]), size_word,
            )
        )
    a, b = map(noun, things)
    forward, backward = ("above", "below") if upright else ("to the left of", "to the right of")
    loose = "and" if upright or rng.random() < 0.6 else "next to"
    a_first = rng.random() < 0.5
    middle = rng.choice([forward if a_first else backward, loose])
    return (things, f"{a} {middle} {b}") if a_first else (things[::-1], f"{b} {middle} {a}")


def counted(kinds: list[tuple[str, int]], rng: Dice) -> tuple[list[Thing], str]:
    """So many of each subject, each kind in one colour, at the spots for their number."""
    spots = list(SPOTS[sum(count for _, count in kinds)])
    if len(kinds) > 1:
        rng.shuffle(spots)
    things, phrases = [], []
    for subject, count in kinds:
        colour = rng.colour(subject)
        for _ in range(count):
            x, y = spots.pop()
            things.append(
                Thing(
                    subject, colour, x + rng.randint(-4, 4), y + rng.randint(-4, 4),
                    rng.randint(43, 52),
                )
            )
        phrases.append(noun(things[-1]) if count == 1 else plural(subject, colour, count))
    return things, listed(phrases)


def _count(rng: Dice) -> tuple[list[Thing], str]:
    return counted([(rng.choice(SUBJECTS), rng.choice([2, 3, 4]))], rng)


def _group(rng: Dice) -> tuple[list[Thing], str]:
    numbers = rng.choice([[1, 1, 1], [1, 1, 1, 1], [1, 2], [2, 1], [2, 2], [1, 3], [1, 1, 2]])
    subjects: list[str] = []
    for _ in numbers:
        subjects.append(rng.another(subjects))
    return counted(list(zip(subjects, numbers)), rng)


@dataclass(frozen=True)
class Scene:
    """A picture (None where only words were wanted), its caption, and what is to be seen where.

    Things are in the order in which the caption names them.
    """

    picture: Image.Image | None
    caption: str
    things: list[Thing]
    place: str


def scene(seed: int, draw: bool = True, everything: bool = False) -> Scene:
    """A scene for training, in which held-out pairs never occur, or one of `everything`.

    Words alone, without `draw`, cost nothing.
    """
    rng = Dice(seed, everything)
    where = rng.choice(PLACES)
    kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
    things, phrase = dict(single=_single, pair=_pair, count=_count, group=_group)[kind](rng)
    opening = rng.random()
    if opening < 0.08:
        phrase = f"a picture of {phrase}"
    elif opening < 0.16:
        phrase = f"there {'are' if len(things) > 1 else 'is'} {phrase}"
    caption = told(phrase, where, rng.random() < 0.25)
    return Scene(paint(things, where, rng) if draw else None, caption, things, where)
