"""The words that each model's training had: its world is closed, and lantern.json says so.

    python vocabulary.py ../weights

writes them into the lantern.json of the models that are there; the exports call the same functions.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import scenes
import tokenizer
import words


def closed(texts) -> dict:
    """What lantern.json says of a world that has these texts' words and no others."""
    found = {word for text in texts for word in re.findall(r"[A-Za-z]+", text)}
    return dict(world="closed", words=sorted(found), scene=scene())


def scene() -> dict:
    """What a picture of this world may show, by what a prompt says of it."""
    heroes = scenes.SUBJECTS[:12] + ["robot", "ghost", "snowman"]
    return dict(
        heroes=heroes, things=[s for s in scenes.SUBJECTS if s not in heroes],
        colours=list(scenes.COLOURS), places=[place for place in scenes.PLACES if place],
    )


def picturebook() -> dict:
    return closed(tokenizer.corpus())


def storyteller() -> dict:
    return closed(words.corpus())


def write_json(path: Path, settings: dict) -> None:
    """A setting a line, however long."""
    lines = (f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in settings.items())
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for name, world in (("picturebook", picturebook), ("storyteller", storyteller)):
        path = folder / name / "lantern.json"
        write_json(path, json.loads(path.read_text()) | world())
