"""Makes the storyteller's tokenizer: GPT-2's byte-pair encoding with merges learnt from its stories.

    python words.py FOLDER

The layout is GPT-2's: 256 bytes, one symbol for each merge, and <|endoftext|> last. Any text can be
written; the world's words are one token each, with and without the space before them.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter
from functools import lru_cache
from pathlib import Path

import scenes
import stories
from tokenizer import byte_symbols, learn_merges

END = "<|endoftext|>"
# GPT-2's pattern for the letters that occur here.
PIECES = re.compile(r"'(?:[sdmt]|ll|ve|re)| ?[A-Za-z]+| ?\d+| ?[^\sA-Za-z\d]+|\s+(?!\S)|\s+")


def pieces(text: str) -> list[str]:
    """What is merged within, never across; a space is written Ġ."""
    return [piece.replace(" ", "Ġ") for piece in PIECES.findall(text)]


def corpus(count: int = 3000):
    """Captions, questions, answers, prompts and pages."""
    for seed in range(count):
        scene = scenes.scene(seed, draw=False)
        yield scene.caption
        yield " ".join(stories.question(scene, random.Random(seed)))
        story = stories.story(seed)
        yield story.prompt
        yield from (page.text for page in story.pages)


def write(folder: Path) -> None:
    """Writes vocab.json, merges.txt and tokenizer_config.json."""
    words: Counter[str] = Counter()
    for text in corpus():
        words.update(pieces(text))
    for word in [*scenes.SUBJECTS, *scenes.COLOURS, *scenes.PLURALS.values(), "one", "small", "big"]:
        words.update(pieces(f" {word}") + pieces(word))
    merges = learn_merges(words, end="")
    names = [*byte_symbols(), *dict.fromkeys(a + b for a, b in merges), END]
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {name: index for index, name in enumerate(names)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *(f"{a} {b}" for a, b in merges)]) + "\n")
    settings = dict(
        add_prefix_space=False, bos_token=END, eos_token=END, unk_token=END, model_max_length=2048,
        tokenizer_class="GPT2Tokenizer",
    )
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")


class Words:
    """Text to token ids and back, in the world's words, each of which is one token."""

    def __init__(self, folder: Path):
        self.ids = json.loads((folder / "vocab.json").read_text())
        self.names = {index: name for name, index in self.ids.items()}

    @lru_cache(maxsize=None)
    def encode(self, text: str) -> tuple[int, ...]:
        return tuple(self.ids[piece] for piece in pieces(text))

    def decode(self, ids) -> str:
        return "".join(self.names.get(int(i), "") for i in ids).replace("Ġ", " ").replace(END, "")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    write(parser.parse_args().folder)
