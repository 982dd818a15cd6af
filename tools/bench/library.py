"""Times an import and searches of Lantern against rank_bm25 and sentence-transformers on the same texts, in one run.

    python -P tools/bench/library.py FOLDER [--lantern PROGRAM] [--model ENCODER] [--files 200] [--rounds 3]

FOLDER, outside the tree, takes text files of random words by a fixed seed, and the library. Each program is timed as a
whole process, in turns, and with --model makes vectors of all passages. The Python one cuts texts into 200 words, keeps
nothing, and answers one question. Needs rank_bm25 and sentence-transformers (tried with 0.2.2 and 6.2.0).
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
QUESTION = "where is word7 word31 word911"
PEER = """
import sys
from pathlib import Path
from rank_bm25 import BM25Okapi
folder, question, model = sys.argv[1:]
passages = []
for file in sorted(Path(folder).glob("*.txt")):
    words = file.read_text().split()
    passages += [" ".join(words[start:start + 200]) for start in range(0, len(words), 200)]
scores = BM25Okapi([text.lower().replace(".", "").split() for text in passages]).get_scores(question.split())
print(scores.argmax())
if model:
    import torch
    from sentence_transformers import SentenceTransformer
    torch.set_num_threads(2)
    encoder = SentenceTransformer(model, device="cpu")
    vectors = encoder.encode(passages, batch_size=64)
    print((vectors @ encoder.encode(question)).argmax())
"""


def write_texts(folder: Path, files: int) -> None:
    chance = random.Random(3)
    words = [f"word{index}" for index in range(5000)]
    weights = [1 / (1 + index) for index in range(len(words))]
    folder.mkdir(parents=True)
    for index in range(files):
        sentences = [" ".join(chance.choices(words, weights, k=12)) + "." for _ in range(170)]
        (folder / f"{index:05}.txt").write_text("\n\n".join(sentences) + "\n")


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lantern", default=str(ROOT / ".build/release/lantern"))
    parser.add_argument("--model", default="")
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    texts, libraries = options.folder / f"texts-{options.files}", options.folder / "libraries"
    if not texts.exists():
        write_texts(texts, options.files)
    place = ["--library-folder", str(libraries)]
    add = [options.lantern, "library", "add", "bench", str(texts), "-q", *place]
    add += ["--model", options.model] if options.model else []
    find = [options.lantern, "library", "search", "bench", QUESTION, *place]
    rows: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        shutil.rmtree(libraries, ignore_errors=True)
        peer = [sys.executable, "-c", PEER, str(texts), QUESTION, options.model]
        for name, command in [("add", add), ("add again", add), ("search", find), ("Python, all", peer)]:
            rows.setdefault(name, []).append(seconds(command))
    for name, times in rows.items():
        print(f"{name}: {statistics.median(times):.2f} s (of {', '.join(f'{x:.2f}' for x in times)})")


main()
