"""Training rows for the storyteller: one clean stream, and masked copies of its pictures beside it.

Stream A is what a reader sees: words and clean pictures, in order. Stream B holds a copy of each picture
with some codes masked, at the position ids of the original; it sees A before its own picture, and
itself, and nobody sees it. So no picture learns from a masked past, every picture of a story is learnt in
each pass, and drawing is A plus one block of B.

Pictures that are to be told of are shown by their features, what the tokenizer makes codes of.

Forms: [t2i][sot]caption[eot][soi]codes[eoi] · [mmu][soi]features[eoi] then [sot]caption[eot] or
[sot]question answer[eot] · [lvg][sot]prompt[eot][sot]page[soi]codes[eoi]page … [eot]. A picture from [soi]
to [eoi] sees itself both ways, with [mmu] before it too; the rest sees only what came before.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import torch

import layout
import scenes
import stories
from showo import CODE, COPY, Tokens
from words import Words

CLEAN, MASKED = 384, 4 * COPY  # tokens of stream A and B
TOLD = 3  # pictures to tell of in a row of scenes
SIDE = 8  # codes in a row of a picture
IGNORED = layout.IGNORED
KEYS = ("ids", "positions", "document", "block", "limit", "target", "subject", "colour", "feature")
FILL = dict(target=IGNORED, subject=IGNORED, colour=IGNORED, feature=CODE)


@lru_cache(maxsize=1 << 16)
def cells(things: tuple[scenes.Thing, ...]) -> tuple[list[int], list[int]]:
    """Subject and colour of what stands at each code."""
    found = layout.cells(scenes.Scene(None, "", list(things), ""), SIDE)
    return found[0].flatten().tolist(), found[1].flatten().tolist()


@dataclass
class Row:
    """One row under construction: parallel lists for both streams."""

    tokens: Tokens
    rng: random.Random
    clean: dict[str, list[int]] = field(default_factory=lambda: {key: [] for key in KEYS})
    masked: dict[str, list[int]] = field(default_factory=lambda: {key: [] for key in KEYS})
    documents: int = 0
    blocks: int = 0
    position: int = 0

    def begin(self) -> None:
        self.documents += 1
        self.position = 0

    def add(self, ids, block: int = 0, learn: bool = False) -> None:
        """Clean tokens; with `learn` the token before each of them learns to write it."""
        a = self.clean
        for token in ids:
            if learn:
                a["target"][-1] = token
            a["ids"].append(token)
            a["positions"].append(self.position)
            a["document"].append(self.documents)
            a["block"].append(block)
            a["limit"].append(0)
            for key, fill in FILL.items():
                a[key].append(fill)
            self.position += 1

    def picture(
        self, codes, things: list[scenes.Thing], copies: int, learn: bool = False, task: int | None = None,
        shown: int | None = None,
    ) -> None:
        """A clean picture, with the task token in its block if given, and masked copies of it.

        It is shown by its features where `shown` says which picture of the row's it is. What stands where is asked of the clean one (layout.py).
        """
        t = self.tokens
        self.blocks += 1
        if task is not None:
            self.add([task], self.blocks)
        start, first = len(self.clean["ids"]), self.position
        self.add([t.soi], self.blocks, learn)
        self.add([*(int(c) + t.first_code for c in codes), t.eoi], self.blocks)
        for key, wanted in zip(("subject", "colour"), cells(tuple(things))):
            self.clean[key][-1 - len(codes) : -1] = wanted
        if shown is not None:
            self.clean["feature"][-1 - len(codes) : -1] = range(shown * len(codes), (shown + 1) * len(codes))
        for _ in range(copies):
            self.blocks += 1
            count = max(1, round(len(codes) * math.cos(math.pi / 2 * self.rng.random())))
            hidden = set(self.rng.sample(range(len(codes)), count))
            b = self.masked
            b["ids"] += [
                t.soi, *(t.mask if i in hidden else int(c) + t.first_code for i, c in enumerate(codes)), t.eoi
            ]
            b["target"] += [
                IGNORED, *(int(c) if i in hidden else IGNORED for i, c in enumerate(codes)), IGNORED
            ]
            size = len(codes) + 2
            for key in ("subject", "colour", "feature"):
                b[key] += [FILL[key]] * size
            b["positions"] += range(first, first + size)
            b["document"] += [self.documents] * size
            b["block"] += [self.blocks] * size
            b["limit"] += [start] * size

    def arrays(self) -> dict[str, np.ndarray]:
        """Both streams filled up to their lengths: document 0 sees only itself."""
        found = {}
        for key in KEYS:
            fill = FILL.get(key, 0)
            a, b = self.clean[key], self.masked[key]
            found[key] = np.array(
                a + [fill] * (CLEAN - len(a)) + b + [fill] * (MASKED - len(b)), np.int32
            )
        return found


def story_row(story: stories.Story, codes: np.ndarray, words: Words, tokens: Tokens, rng: random.Random) -> Row:
    row = Row(tokens, rng)
    row.begin()
    prompt = words.encode(story.prompt) if rng.random() > 0.05 else ()
    row.add([tokens.lvg, tokens.sot, *prompt, tokens.eot, tokens.sot])
    for number, (page, picture) in enumerate(zip(story.pages, codes)):
        row.add(words.encode(page.text), learn=True)
        row.picture(picture, stories.layout(page.beings, number), 1, learn=True)
    row.add([tokens.eot], learn=True)
    return row


def scene_row(seeds: list[int], codes: np.ndarray, words: Words, tokens: Tokens, rng: random.Random) -> Row:
    """TOLD pictures to tell of, and a caption to draw."""
    row = Row(tokens, rng)
    made = [scenes.scene(int(seed), draw=False) for seed in seeds]
    scene, picture = made[TOLD], codes[TOLD]
    row.begin()
    caption = words.encode(scene.caption) if rng.random() > 0.12 else ()
    row.add([tokens.t2i, tokens.sot, *caption, tokens.eot])
    row.picture(picture, scene.things, MASKED // COPY)
    for index, (scene, picture) in enumerate(zip(made[:TOLD], codes)):
        row.begin()
        row.picture(picture, scene.things, 0, task=tokens.mmu, shown=index)
        # What comes first is all that is learnt without a hint; the caption, most often.
        told = [stories.question(scene, rng) for _ in range(2)]
        told.insert(0 if rng.random() < 0.6 else rng.randrange(1, 3), ("", scene.caption))
        for question, answer in told:
            answer = words.encode(f" {answer}" if question else answer)
            if len(row.clean["ids"]) + len(words.encode(question)) + len(answer) + 2 <= CLEAN:
                row.add([tokens.sot, *words.encode(question)])
                row.add([*answer, tokens.eot], learn=True)
    return row


def visible(document, block, limit, dtype):
    """Which clean tokens each token may look at, as `showo.attention` wants it."""
    index = torch.arange(document.shape[1], device=document.device)
    q, k = index[:, None], index[None, :CLEAN]
    same = document[:, :, None] == document[:, None, :CLEAN]
    same_block = (block[:, :, None] == block[:, None, :CLEAN]) & (block > 0)[:, :, None]
    before = torch.where(q < CLEAN, (k <= q) | same_block, k < limit[:, :, None])
    seen = (same & before | (q == k))[:, None]
    return torch.zeros_like(seen, dtype=dtype).masked_fill_(~seen, -1e4)
