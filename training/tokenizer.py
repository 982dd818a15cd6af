"""Makes the tokenizer's files: CLIP's byte-pair encoding with merges learnt from the world's captions.

    python tokenizer.py FOLDER

The layout is CLIP's: 256 byte symbols, the same at a word's end, one symbol for each merge, and two
special tokens. Any text can be written; the world's words are one token each.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np

import scenes

LENGTH = 32


def byte_symbols() -> list[str]:
    """GPT-2's printable stand-ins for the 256 bytes, in CLIP's order."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(rest))]


def learn_merges(words: Counter[str], end: str = "</w>") -> list[tuple[str, str]]:
    """Merges the most frequent pair again and again, until every word, closed by `end`, is one symbol."""
    spelled = {word: [*word[:-1], word[-1] + end] for word in words}
    merges = []
    while True:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, symbols in spelled.items():
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += words[word]
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


def split(caption: str) -> list[str]:
    """A caption's words, and commas; each is one token."""
    return caption.replace(",", " ,").split()


def vocabulary_size(folder: Path) -> int:
    return len(json.loads((folder / "vocab.json").read_text()))


def encode(captions: list[str], folder: Path) -> np.ndarray:
    """Token ids [caption, LENGTH] of captions in the world's words, begun, ended and filled as CLIP does."""
    vocabulary = json.loads((folder / "vocab.json").read_text())
    begin, end = vocabulary["<|startoftext|>"], vocabulary["<|endoftext|>"]
    ids = np.full((len(captions), LENGTH), end, np.int64)
    for row, caption in zip(ids, captions):
        found = [begin] + [vocabulary[word + "</w>"] for word in split(caption)]
        row[: min(len(found), LENGTH - 1)] = found[: LENGTH - 1]
    return ids


def corpus(count: int = 4000):
    """Captions, and words that may be rare in them."""
    for seed in range(count):
        yield scenes.scene(seed, draw=False).caption
    yield from (*scenes.SUBJECTS, *scenes.COLOURS, *scenes.PLURALS.values(), "one", "small", "big")


def write(folder: Path) -> None:
    """Writes vocab.json, merges.txt and the two files of settings."""
    words: Counter[str] = Counter()
    for text in corpus():
        words.update(split(text))
    del words[","]
    merges = learn_merges(words)
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
