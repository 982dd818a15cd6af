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


HORIZON = (74, 86)


def place(name: str, rng: random.Random, horizon: int | None = None) -> Image.Image:
    """A painted background with random detail; where sky and ground meet is by chance unless given."""
    horizon = horizon or rng.randint(*HORIZON)
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


def paint(
    things: list[Thing], where: str, rng: random.Random, horizon: int | None = None
) -> Image.Image:
    """The scene's picture, [PIXELS, PIXELS] RGB; what stands nearer hides what is behind it."""
    image = place(where, rng, horizon)
    for thing in sorted(things, key=lambda thing: thing.y):
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
# Units along the longer side by size word, alone and beside another.
ALONE = {"": (62, 84), "small": (36, 44), "big": (98, 110)}
BESIDE = {"": (46, 54), "small": (32, 38), "big": (58, 62)}
# The same where things stand loosely, by their number: there is less room for each.
LOOSE = {1: ALONE, 2: BESIDE}
MANY = {"": (38, 48), "small": (32, 36), "big": (50, 56)}
# What is up in the sky, and what floats; all else stands on the ground, where there is one.
UP = {"moon", "sun", "star", "balloon", "rocket"}
GROUNDLESS = {"in space", ""}


@dataclass(frozen=True)
class Group:
    """So many of one subject, in one colour and size: what a caption names by one phrase."""

    subject: str
    colour: str | None
    count: int = 1
    size_word: str = ""


@lru_cache(maxsize=None)
def _height(subject: str) -> float:
    """A glyph's height as a share of its longer side."""
    image = _glyph(subject)
    return image.height / max(image.size)


class Stage:
    """Where things can be: a place, and where its sky meets its ground."""

    def __init__(self, where: str, horizon: int, rng: random.Random):
        self.where, self.horizon, self.rng = where, horizon, rng

    def spot(self, subject: str, size: int) -> tuple[int, int, int]:
        """Column, row and size of a thing where it would be; smaller where it is farther away."""
        half = round(size * _height(subject) / 2)
        x = self.rng.randint(size // 2 + 2, SIZE - size // 2 - 2)
        if self.where in GROUNDLESS:
            return x, self.rng.randint(half + 2, SIZE - half - 2), size
        if subject in UP:
            return x, self.rng.randint(half + 2, max(half + 2, self.horizon - 30)), size
        if subject == "fish" and self.where == "by the sea":
            return x, self.rng.randint(self.horizon + 8, SIZE - half), size
        nearness = self.rng.random()
        base = self.horizon + 6 + nearness * (SIZE - 4 - self.horizon - 6)
        if subject == "boat" and self.where == "on the beach":
            base = self.horizon - 2
        size = round(size * (0.86 + 0.14 * nearness))
        return x, max(half + 1, round(base) - round(size * _height(subject) / 2)), size

    def loose(self, wanted: list[tuple[str, int]]) -> list[tuple[int, int, int]] | None:
        """Spots for subjects of these sizes that leave each other room, if chance finds them."""
        for _ in range(30):
            found: list[tuple[int, int, int]] = []
            for subject, size in wanted:
                x, y, size = self.spot(subject, size)
                if all(max(abs(x - a), abs(y - b)) >= 0.47 * (size + s) for a, b, s in found):
                    found.append((x, y, size))
            if len(found) == len(wanted):
                return found
        return None


def _sizes(groups: list[Group], total: int, rng: Dice) -> list[tuple[str, int]]:
    sizes = LOOSE.get(total, MANY)
    return [(g.subject, rng.randint(*sizes[g.size_word])) for g in groups for _ in range(g.count)]


def _things(groups: list[Group], spots: list[tuple[int, int, int]]) -> list[Thing]:
    each = [group for group in groups for _ in range(group.count)]
    return [Thing(g.subject, g.colour, x, y, size, g.size_word) for g, (x, y, size) in zip(each, spots)]


def _in_order(groups: list[Group], total: int, rng: Dice) -> list[Thing]:
    """At the spots for their number, or in a row; what belongs up has the higher ones."""
    spots = list(SPOTS[total])
    if total < 4 and rng.random() < 0.3:
        spots = [(SIZE * (2 * i + 1) // (2 * total), 67) for i in range(total)]
    if len(groups) > 1:
        rng.shuffle(spots)
        up = [group.subject in UP for group in groups for _ in range(group.count)]
        order = sorted(range(total), key=lambda i: not up[i])
        highest = sorted(spots, key=lambda spot: spot[1])
        rest = highest[sum(up):]
        rng.shuffle(rest)
        spots = [spot for _, spot in sorted(zip(order, highest[: sum(up)] + rest))]
    row = len({y for _, y in spots}) == 1
    most = {2: 62, 3: 40 if row else 54, 4: 54}[total]
    wanted = _sizes(groups, total, rng)
    return _things(groups, [
        (x + rng.randint(-4, 4), y + rng.randint(-4, 4), min(size, most))
        for (x, y), (_, size) in zip(spots, wanted)
    ])


def arranged(groups: list[Group], stage: Stage, rng: Dice) -> list[Thing]:
    """Things of all groups: loosely where each would be, or in order."""
    total = sum(group.count for group in groups)
    if total == 1 or rng.random() < 0.5:
        spots = stage.loose(_sizes(groups, total, rng))
        if spots:
            return _things(groups, spots)
    if total == 1:
        group = groups[0]
        spread = 6 if group.size_word == "big" else 14
        spot = 64 + rng.randint(-spread, spread), 66 + rng.randint(-spread, spread)
        return _things(groups, [(*spot, rng.randint(*ALONE[group.size_word]))])
    return _in_order(groups, total, rng)


# How the second group lies from the first: across and down.
RELATIONS = {
    "to the left of": (1, 0), "to the right of": (-1, 0), "above": (0, 1), "below": (0, -1),
    "next to": (1, 0),
}


def related(groups: list[Group], relation: str, rng: Dice) -> list[Thing]:
    """Two groups on either side of the picture, each in a line across the way to the other."""
    across, down = RELATIONS[relation]
    if relation == "next to" and rng.random() < 0.5:
        across = -1
    spots: list[tuple[int, int, int]] = []
    for side, group in zip((-1, 1), groups):
        x, y = 64 + side * across * 30, 65 + side * down * 30
        sizes = BESIDE if group.count == 1 else {"": (42, 50), "small": (32, 36), "big": (52, 56)}
        if group.count == 3:
            sizes = {word: (34, 40) for word in sizes}
        for number in range(group.count):
            off = round((number - (group.count - 1) / 2) * {1: 0, 2: 60, 3: 42}[group.count])
            spots.append((
                x + (0 if across else off) + rng.randint(-3, 3),
                y + (off if across else 0) + rng.randint(-3, 3), rng.randint(*sizes[group.size_word]),
            ))
    return _things(groups, spots)


def counted(kinds: list[tuple[str, int]], rng: Dice) -> tuple[list[Thing], str]:
    """So many of each subject, each kind in one colour, at the spots for their number."""
    groups = [Group(subject, rng.colour(subject), count) for subject, count in kinds]
    return _in_order(groups, sum(count for _, count in kinds), rng), phrase(groups)


def named(group: Group) -> str:
    """"a small red fox", "two small red foxes"."""
    if group.count == 1:
        return noun(Thing(group.subject, group.colour, 0, 0, 0, group.size_word))
    name = plural(group.subject, group.colour, group.count)
    number, rest = name.split(" ", 1)
    return " ".join(word for word in (number, group.size_word, rest) if word)


def phrase(groups: list[Group], relation: str = "") -> str:
    """What a caption says of groups, without the place."""
    names = [named(group) for group in groups]
    return f" {relation} ".join(names) if relation else listed(names)


# How often a scene is of each kind, and the numbers of things in groups and on two sides.
KINDS = {"single": 0.22, "pair": 0.3, "count": 0.14, "group": 0.24, "sides": 0.1}
GROUPS = [
    (1, 1, 1), (1, 1, 1), (1, 1, 1, 1), (1, 1, 1, 1), (1, 2), (2, 1), (2, 2), (1, 3), (3, 1), (1, 1, 2),
    (1, 2, 1), (2, 1, 1),
]
SIDED = [(1, 2), (2, 1), (2, 2), (1, 3), (3, 1)]


def _groups(kind: str, rng: Dice) -> list[Group]:
    """What is in a scene of a kind."""
    counts = {
        "single": lambda: (1,), "pair": lambda: (1, 1), "count": lambda: (rng.choice([2, 3, 4]),),
        "group": lambda: rng.choice(GROUPS), "sides": lambda: rng.choice(SIDED),
    }[kind]()
    sized = rng.random() < {"single": 0.4, "pair": 0.2}.get(kind, 0.1)
    groups: list[Group] = []
    for count in counts:
        subject = rng.another([group.subject for group in groups])
        size_word = rng.choice(["small", "big", ""]) if sized else ""
        groups.append(Group(subject, rng.colour(subject), count, size_word))
    return groups


def _relation(kind: str, rng: Dice) -> str:
    if kind == "sides" or kind == "pair" and rng.random() < 0.55:
        return rng.choice([*RELATIONS, "to the left of", "to the right of", "above", "below"])
    return ""


@dataclass(frozen=True)
class Scene:
    """A picture (None where only words were wanted), its caption, and what is to be seen where.

    Things are in the order in which the caption names them; groups and the relation between the first
    two (empty where there is none) say the same as the caption, for others to put in other words.
    """

    picture: Image.Image | None
    caption: str
    things: list[Thing]
    place: str
    groups: tuple[Group, ...] = ()
    relation: str = ""


def scene(seed: int, draw: bool = True, everything: bool = False) -> Scene:
    """A scene for training, in which held-out pairs never occur, or one of `everything`.

    Words alone, without `draw`, cost nothing.
    """
    rng = Dice(seed, everything)
    where = rng.choice(PLACES)
    kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
    groups, relation, horizon = _groups(kind, rng), _relation(kind, rng), rng.randint(*HORIZON)
    if relation:
        things = related(groups, relation, rng)
    else:
        things = arranged(groups, Stage(where, horizon, rng), rng)
    text = phrase(groups, relation)
    opening = rng.random()
    if len(groups) == 1 and groups[0].count == 1 and opening < 0.06:
        text = "one " + text.split(" ", 1)[1]
    elif opening < 0.12:
        text = f"a picture of {text}"
    elif opening < 0.18:
        text = f"there {'are' if len(things) > 1 else 'is'} {text}"
    caption = told(text, where, rng.random() < 0.25)
    picture = paint(things, where, rng, horizon) if draw else None
    return Scene(picture, caption, things, where, tuple(groups), relation)
