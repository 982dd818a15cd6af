"""Stories that a language model writes and the picturebook draws: are their plans whole, do pictures show what is written?

    python evaluate_tales.py --work FOLDER --writer MODEL [--count 100] [OPTION FOR lantern story…]

`lantern story` tells a tale for each of the prompts of `stories.py`, fresh ones, into FOLDER (once: a second run goes on).
Said are, with 95 % intervals: plans with a line for each page, a cast and a place; pages on whose picture the judge sees all
that the picture was to show, and all of this world that the words name; pages that show the hero in its colour, of those that
were to, and stories that do so on each; seconds and memory of a tale, from the shell to the last file.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import scenes
import stories
from evaluate import interval
from judge import Judge, Seen

HERE = Path(__file__).resolve().parent
FRESH = 7 * 10**12  # seeds of stories that nobody was trained on


def tell(folder: Path, prompt: str, seed: int, options: argparse.Namespace, extra: list[str]) -> dict:
    """Tells a tale into a folder, and says what it took; one that is there stays."""
    facts = folder.with_suffix(".json")
    if not facts.exists():
        begin = time.perf_counter()
        process = subprocess.Popen([
            options.lantern, "story", prompt, "--writer", options.writer, "-o", folder, "--overwrite",
            "-q", "--seed", str(seed), *extra])
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"failed: {prompt}")
        facts.write_text(json.dumps(dict(
            prompt=prompt, seconds=time.perf_counter() - begin, megabytes=usage.ru_maxrss * 1024 / 1e6)))
    return json.loads(facts.read_text())


def named(text: str) -> list[tuple[str, str | None]]:
    """The subjects of this world that a text names, each once, and their colours where these stand in front."""
    found: dict[str, str | None] = {}
    for subject in scenes.SUBJECTS:
        many = scenes.PLURALS.get(subject, subject + "s")
        match = re.search(rf"(?:\b({'|'.join(scenes.COLOURS)}) )?\b({subject}|{many})\b", text.lower())
        if match:
            found[subject] = match[1]
    return list(found.items())


def shows(seen: list[Seen], wanted: list[tuple[str, str | None]]) -> bool:
    return all(
        any(s.subject == subject and colour in (None, s.colour) for s in seen) for subject, colour in wanted
    )


def judged(judge: Judge, folder: Path) -> dict[str, list[bool]]:
    """What is right of a tale, by question."""
    story = json.loads((folder / "story.json").read_text())
    plan, pages = story["plan"], story["pages"]
    pictures = np.stack([np.array(Image.open(folder / page["picture"]).convert("RGB")) for page in pages])
    seen = [things for things, _ in judge.read(torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1)]
    right: dict[str, list[bool]] = {
        "whole plans": [len(plan["outline"]) == len(pages) and bool(plan["cast"]) and bool(plan["places"])],
        "pages that show all of their picture's prompt": [], "pages that show all that their words name": [],
        "pages with the hero in its colour": [], "tales with it on each": [],
    }
    hero = plan["cast"][0]
    look = [(hero["kind"], hero["look"].removesuffix(hero["kind"]).strip() or None)]
    for page, things in zip(pages, seen):
        right["pages that show all of their picture's prompt"].append(shows(things, named(page["picture_prompt"])))
        # Names of the cast stand for what they look like.
        text = page["text"]
        for character in plan["cast"]:
            text = re.sub(rf"\b{re.escape(character['name'])}\b", character["look"], text)
        right["pages that show all that their words name"].append(shows(things, named(text)))
        if re.search(rf"\b({re.escape(hero['look'])}|an? {re.escape(hero['kind'])})\b", page["picture_prompt"]):
            right["pages with the hero in its colour"].append(shows(things, look))
    if right["pages with the hero in its colour"]:
        right["tales with it on each"] = [all(right["pages with the hero in its colour"])]
    return right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for the tales")
    parser.add_argument("--writer", required=True, help="a language model")
    parser.add_argument("--lantern", type=Path, default=HERE / "../.build/release/lantern")
    parser.add_argument("--count", type=int, default=100)
    options, extra = parser.parse_known_args()
    options.work.mkdir(parents=True, exist_ok=True)
    judge = Judge.load(HERE / "../weights/judge").eval()
    right: dict[str, list[bool]] = {}
    facts = []
    for index in range(options.count):
        folder = options.work / f"{index:03d}"
        facts.append(tell(folder, stories.story(FRESH + index).prompt, index, options, extra))
        for name, answers in judged(judge, folder).items():
            right.setdefault(name, []).extend(answers)
    for name, answers in right.items():
        low, high = interval(sum(answers), len(answers))
        print(f"{name}: {np.mean(answers):.3f} of {len(answers)} (95 % {low:.3f} to {high:.3f})")
    for name in ("seconds", "megabytes"):
        values = [fact[name] for fact in facts]
        print(f"{name} of a tale: {statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})")


if __name__ == "__main__":
    main()
