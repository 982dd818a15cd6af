"""Makes the tokenizer's files: CLIP's byte-pair encoding with merges learnt from the world's captions.

    python tokenizer.py FOLDER

The layout is CLIP's: 256 byte symbols, the same at a word's end, one symbol for each merge, and two
special tokens. Any text can be written; the world's words, and the parts of Chinese captions, are one token
each.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np

import captions
import scenes

LENGTH = 32


def byte_symbols() -> list[str]:
    """GPT-2's printable stand-ins for the 256 bytes, in CLIP's order."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(rest))]


def learn_merges(
    words: Counter[str], end: str = "</w>", inner: Counter[str] = Counter()
) -> list[tuple[str, str]]:
    """Merges the most frequent pair again and again, until every word, closed by `end`, is one symbol.

    `inner` are parts of words: they become one symbol without `end`.
    """
    spelled = {(word, end): [*word[:-1], word[-1] + end] for word in words}
    spelled |= {(word, ""): list(word) for word in inner}
    counts = {key: (words if key[1] or key[0] not in inner else inner)[key[0]] for key in spelled}
    merges = []
    while True:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, symbols in spelled.items():
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += counts[word]
        if not pairs:
            return merges
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        for word, symbols in spelled.items():
            merged, i = [], 0
            while i < len(symbols):
                if tuple(symbols[i : i + 2]) == best:
                    merged.append(symbols[i] + symbols[i + 1])
                    i += 2
                else:
                    merged.append(symbols[i])
                    i += 1
            spelled[word] = merged


# CLIP's pattern, for text without contractions: letters, single digits, and what is neither.
PIECES = re.compile(r"[^\W\d_]+|\d|(?:[^\s\w]|_)+")


def symbols_of(word: str) -> str:
    """A word's UTF-8 bytes, each as its printable symbol."""
    names = dict(zip([*range(33, 127), *range(161, 173), *range(174, 256)], byte_symbols()))
    rest = [byte for byte in range(256) if byte not in names]
    names |= dict(zip(rest, byte_symbols()[len(names):]))
    return "".join(names[byte] for byte in word.encode())


def split(caption: str) -> list[str]:
    """A caption's words, numbers and signs, in lower case."""
    return PIECES.findall(caption.lower())


def vocabulary_size(folder: Path) -> int:
    return len(json.loads((folder / "vocab.json").read_text()))


class BytePairs:
    """Text to token ids by the files in a folder, as CLIP's tokenizer gives them."""

    def __init__(self, folder: Path):
        self.vocabulary = json.loads((folder / "vocab.json").read_text())
        lines = (folder / "merges.txt").read_text().splitlines()[1:]
        self.ranks = {tuple(line.split(" ")): rank for rank, line in enumerate(lines)}
        self.known: dict[str, list[int]] = {}

    def ids(self, word: str) -> list[int]:
        """A word's ids: its two symbols of the earliest merge become one, until none can."""
        if word not in self.known:
            symbols = list(symbols_of(word))
            symbols[-1] += "</w>"
            while True:
                pairs = [(self.ranks[pair], i) for i, pair in enumerate(zip(symbols, symbols[1:]))
                         if pair in self.ranks]
                if not pairs:
                    break
                _, at = min(pairs)
                symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
            self.known[word] = [self.vocabulary[symbol] for symbol in symbols]
        return self.known[word]

    def encode(self, texts: list[str]) -> np.ndarray:
        """Token ids [text, LENGTH], begun, ended and filled as CLIP does."""
        begin, end = self.vocabulary["<|startoftext|>"], self.vocabulary["<|endoftext|>"]
        ids = np.full((len(texts), LENGTH), end, np.int64)
        for row, text in zip(ids, texts):
            found = [begin] + [id for word in split(text) for id in self.ids(word)]
            row[: min(len(found), LENGTH - 1)] = found[: LENGTH - 1]
        return ids


def encode(texts: list[str], folder: Path) -> np.ndarray:
    """Token ids [text, LENGTH] of texts, by the tokenizer in a folder."""
    return BytePairs(folder).encode(texts)


def corpus(count: int = 4000):
    """Captions, and words that may be rare in them."""
    for seed in range(count):
        yield scenes.scene(seed, draw=False).caption
    yield from (*scenes.SUBJECTS, *scenes.COLOURS, *scenes.PLURALS.values(), "one", "small", "big")
    yield from captions.lexicon()[0]


def write(folder: Path) -> None:
    """Writes vocab.json, merges.txt and the two files of settings."""
    words: Counter[str] = Counter()
    for text in corpus():
        words.update(split(text))
    parts = Counter(symbols_of(part) for part in captions.lexicon()[1])
    merges = learn_merges(words + parts, inner=parts)
    symbols = byte_symbols()
    names = symbols + [symbol + "</w>" for symbol in symbols] + [a + b for a, b in merges]
    names += ["<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {name: index for index, name in enumerate(dict.fromkeys(names))}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False))
    lines = ["#version: 0.2"] + [f"{a} {b}" for a, b in merges]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")
    special = {
        "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>", "unk_token": "<|endoftext|>",
    }
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2))
    settings = {
        **special, "add_prefix_space": False, "do_lower_case": True, "errors": "replace",
        "model_max_length": LENGTH, "tokenizer_class": "CLIPTokenizer",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    write(parser.parse_args().folder)
