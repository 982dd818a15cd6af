"""Times Lantern and llama.cpp side by side, in turns, on a random Llama of 1.1 billion weights, and prints ratios.

    python -P tools/bench/language.py FOLDER [--lantern PROGRAM] [--model FILE.gguf] [--rounds 2] [--busy 2]

FOLDER, outside the tree, takes the model in f16, q8_0 and q4_K (4.3 GB), which are made once, by `lantern convert`.
--model times another file; --busy runs so many other processes that only count. A prompt of 512 tokens, 24 more behind
it; each program with one thread and with two. Needs gguf, numpy and xllamacpp (tried with 2026.10.11549).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

import gguf
import numpy as np

ROOT = Path(__file__).parents[2]
PROMPT, NEW = 512, 24
WIDTH, LAYERS, HEADS, KEY_HEADS, INNER, VOCABULARY = 2048, 22, 32, 4, 5632, 49152
PEER = """
import json, sys, xllamacpp
path, threads, count, new = sys.argv[1], *map(int, sys.argv[2:])
params = xllamacpp.CommonParams()
params.model.path, params.n_ctx, params.n_parallel, params.warmup = path, 2048, 1, False
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
server = xllamacpp.Server(params)
prompt = [(31 * index + 7) % 200 + 300 for index in range(count)]
answer = server.handle_completions({"prompt": prompt, "n_predict": new, "temperature": 0, "ignore_eos": True})
answer = answer if isinstance(answer, dict) else json.loads(answer)
times = answer["timings"]
print(json.dumps([times["prompt_per_second"], times["predicted_per_second"]]))
"""


def write_model(path: Path) -> None:
    """Weights by chance, and a vocabulary of which only the bytes are of use."""
    writer = gguf.GGUFWriter(str(path), "llama")
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(byte) for byte in printable] + [chr(256 + index) for index in range(256 - len(printable))]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(letters + ["ab"] + [f"[{index}]" for index in range(VOCABULARY - 257)])
    writer.add_token_types([1] * VOCABULARY)
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(VOCABULARY - 1)
    writer.add_context_length(16384)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(VOCABULARY)
    random = np.random.default_rng(1)

    def matrix(name: str, rows: int, columns: int) -> None:
        numbers = random.standard_normal((rows, columns), dtype=np.float32) * 0.02
        writer.add_tensor(f"{name}.weight", numbers.astype(np.float16))

    def norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))

    matrix("token_embd", VOCABULARY, WIDTH)
    matrix("output", VOCABULARY, WIDTH)
    norm("output_norm")
    keys = WIDTH // HEADS * KEY_HEADS
    shapes = {
        "attn_q": (WIDTH, WIDTH), "attn_k": (keys, WIDTH), "attn_v": (keys, WIDTH), "attn_output": (WIDTH, WIDTH),
        "ffn_gate": (INNER, WIDTH), "ffn_up": (INNER, WIDTH), "ffn_down": (WIDTH, INNER),
    }  # fmt: skip
    for layer in range(LAYERS):
        norm(f"blk.{layer}.attn_norm")
        norm(f"blk.{layer}.ffn_norm")
        for name, shape in shapes.items():
            matrix(f"blk.{layer}.{name}", *shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def models(folder: Path, program: str) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    whole = folder / "random-f16.gguf"
    if not whole.exists():
        write_model(whole)
    found = []
    for kind in ("q4_K", "q8_0"):
        path = folder / f"random-{kind}.gguf"
        if not path.exists():
            subprocess.run([program, "convert", whole, path, "--type", kind], check=True, stdout=subprocess.DEVNULL)
        found.append(path)
    return found


def lantern(program: str, model: Path, threads: int) -> tuple[float, float, float]:
    """Tokens a second of the prompt and behind it, and peak bytes."""
    command = [program, "bench", "language", "-m", model, "--prompt-tokens", PROMPT, "--new-tokens", NEW, "--runs", 1]
    command += ["-t", threads, "--json"]
    lines = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout
    end = json.loads(lines.splitlines()[-1])
    return end["prefill_tokens_per_second"], end["decode_tokens_per_second"], end["peak_bytes"]


def llama_cpp(model: Path, threads: int) -> tuple[float, float]:
    command = [sys.executable, "-P", "-c", PEER, model, threads, PROMPT, NEW]
    lines = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout
    return tuple(json.loads(next(line for line in lines.splitlines() if line.startswith("["))))


def compare(program: str, model: Path, rounds: int) -> None:
    print(f"{model.name}, {model.stat().st_size / 1e6:.0f} MB")
    for threads in (1, 2):
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(lantern(program, model, threads))
            theirs.append(llama_cpp(model, threads))
        for index, name in enumerate(("prompt", "behind it")):
            mine, other = [row[index] for row in ours], [row[index] for row in theirs]
            ratio = statistics.median(mine) / statistics.median(other)
            print(
                f"  {threads} threads, {name}: {min(mine):.1f} to {max(mine):.1f} tokens a second, "
                f"llama.cpp {min(other):.1f} to {max(other):.1f}, ratio {ratio:.2f}")
    print(f"  peak {max(row[2] for row in ours) / 1e6:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lantern", default=str(ROOT / ".build" / "release" / "lantern"))
    parser.add_argument("--model", type=Path, help="another GGUF file")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--busy", type=int, default=0, help="other processes that only count")
    given = parser.parse_args()
    files = [given.model] if given.model else models(given.folder, given.lantern)
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(given.busy)]
    try:
        for model in files:
            compare(given.lantern, model, given.rounds)
    finally:
        for other in others:
            other.kill()


if __name__ == "__main__":
    main()
