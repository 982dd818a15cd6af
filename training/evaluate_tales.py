"""Do the heroes of stories that a writer told keep kind and colour, by the judge, from page to page?

    python evaluate_tales.py FOLDER ...

Each folder is one that `lantern story --writer … --illustrator picturebook` wrote: its story.json has the hero, first in the
cast, and what each page's picture was to show. Said are the share of pages that name the hero on which it is there in its
colour, and the share of stories in which it is so on all of them.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from evaluate import interval
from judge import Judge

HERE = Path(__file__).resolve().parent


def read(judge: Judge, folder: Path, pages: list[dict]):
    """What the judge sees on each page."""
    pictures = np.stack([np.array(Image.open(folder / page["picture"]).convert("RGB")) for page in pages])
    return judge.read(torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    options = parser.parse_args()
    judge = Judge.load(HERE / "../weights/judge").eval()
    kept, whole = [], []
    for folder in options.folders:
        story = json.loads((folder / "story.json").read_text())
        hero = story["plan"]["cast"][0]
        colour = hero["look"].removesuffix(hero["kind"]).strip()
        # With its look, or, of stories without fixed looks, by its kind alone.
        name = re.compile(rf"\b({re.escape(hero['look'])}|an? {re.escape(hero['kind'])})\b")
        pages = [page for page in story["pages"] if name.search(page["picture_prompt"])]
        if not pages:
            continue
        shown = [
            any(
                thing.subject == hero["kind"] and thing.colour == colour and not thing.own_colour
                for thing in things
            )
            for things, _ in read(judge, folder, pages)
        ]
        kept += shown
        whole.append(all(shown))
    for name, values in (("pages with the hero in its colour", kept), ("stories with it on all", whole)):
        low, high = interval(sum(values), len(values))
        print(f"{name}: {np.mean(values):.3f} of {len(values)} (95 % {low:.3f} to {high:.3f})")


if __name__ == "__main__":
    main()
