"""Times Lantern and its peers side by side: in turns, on the same shapes, with as many threads.

    Benchmarks/run                              # everything; hours on two cores
    Benchmarks/run --jobs linear conv attention --rounds 3
    Benchmarks/run --jobs picture --sd-cpp path/to/sd
    Benchmarks/run --jobs linear --llama-cpp path/to/test-backend-ops

Jobs: matrix products (linear), convolutions (conv), attention, parts of a model of Stable Diffusion
1.5's size with random weights (model), a picture by that model (picture) and by the shipped weights
(shipped), both as whole processes, and how Lantern's cost grows with size and batch (growth).
Results of jobs that ran earlier into the same folder are kept beside the new ones.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import importlib.util
import json
import multiprocessing
import os
import platform
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import report
from cases import JOBS
from entrants import (
    LIBRARIES, PARTS, ROOT, Failure, Lantern, LlamaCpp, Program, Worker, events, part_options, turns)
from pytorch import make_large

ALL_JOBS = [*JOBS, "picture", "shipped", "growth"]
PRECISIONS = ["exact", "fast", "int8", "int4"]
NEEDS_INT4 = ["linear", "picture", "shipped"]
NEEDS = {
    "pytorch": ["torch", "diffusers", "transformers"],
    "openvino": ["openvino", "torch", "diffusers", "transformers"],
    "sd-cpp": [],
    "llama-cpp": [],
}
# Peers that are programs: who they are, and the job that they take part in.
PROGRAMS = {"sd-cpp": ("stable-diffusion.cpp", "picture"), "llama-cpp": ("llama.cpp", "linear")}
PROMPT, STEPS, SEED = "a red fox on the beach", 20, 42
# Of instruction sets, those that arithmetic gains by.
FLAGS = {
    "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16",
    "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8", "asimd", "asimdhp", "asimddp", "bf16",
    "i8mm", "sve",
}


def machine() -> dict:
    """The processor and its memory."""
    said = {}
    if sys.platform == "darwin":
        brand = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"], stdout=subprocess.PIPE, text=True)
        said["model name"] = brand.stdout.strip()
    elif (file := Path("/proc/cpuinfo")).exists():
        lines = (line.partition(":") for line in file.read_text().splitlines())
        said = {key.strip(): value.strip() for key, _, value in lines}
    flags = said.get("flags", said.get("Features", "")).split()
    return {
        "processor": said.get("model name") or platform.machine(), "cores": os.cpu_count(),
        "flags": sorted(FLAGS.intersection(flags)),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
    }


def versions(lantern: str, peers: list[str]) -> dict[str, str]:
    """Of Lantern and of what the peers are made of."""
    try:
        told = subprocess.run([lantern, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Failure(f"cannot run {lantern}: {error}") from None
    commit = subprocess.run(
        ["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    packages = dict.fromkeys(name for peer in peers for name in NEEDS[peer])
    return {
        "lantern": f"{told.stdout.strip()} {commit.stdout.strip()}".strip(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in packages},
    }


def available(options: argparse.Namespace) -> list[str]:
    """The peers that are here; says which are not."""
    found = []
    for peer in options.peers:
        missing = [name for name in NEEDS[peer] if importlib.util.find_spec(name) is None]
        if peer in PROGRAMS and not vars(options)[peer.replace("-", "_")]:
            name, job = PROGRAMS[peer]
            if job in options.jobs:
                print(f"{name}: skipped: --{peer} names no program", file=sys.stderr)
        elif peer == "llama-cpp" and options.threads != os.cpu_count():
            print("llama.cpp: skipped: it takes a thread for each processor", file=sys.stderr)
        elif missing:
            print(f"{LIBRARIES[peer]}: skipped: no module {missing[0]}", file=sys.stderr)
        else:
            found.append(peer)
    return found


def needs_large(folder: Path) -> None:
    """Makes the large model, in another process, so that its memory is given back."""
    if (folder / "model_index.json").exists():
        return
    print(f"making a random model of Stable Diffusion 1.5's size: {folder}", file=sys.stderr)
    maker = multiprocessing.get_context("spawn").Process(target=make_large, args=[folder])
    maker.start()
    maker.join()
    if maker.exitcode != 0:
        raise Failure(f"could not make the model {folder}")


def measure_cases(job: str, options: argparse.Namespace, peers: list[str], peaks: dict) -> list[dict]:
    """Kernels and parts of a model, case by case."""
    runs = 1 if job == "model" else 5
    rows = []
    for case in JOBS[job]:
        if options.cases and case not in options.cases:
            continue
        print(case, file=sys.stderr)
        entrants = [Worker(peer, case, options.threads, options.model)
                    for peer in peers if peer in LIBRARIES]
        if "llama-cpp" in peers and job == "linear":
            entrants += [LlamaCpp(options.llama_cpp, weights, case) for weights in LlamaCpp.TYPES]
        entrants += [Lantern(options.lantern, precision, case, options.threads, options.model, peaks)
                     for precision in precisions(job, options)]
        rows.append({"case": case, "figures": turns(entrants, runs, options.rounds)})
    return rows


def measure_picture(job: str, options: argparse.Namespace, peers: list[str]) -> list[dict]:
    """A picture, by whole processes."""
    model, size, guidance = options.model, ["-W", 512, "-H", 512], 7.5
    if job == "shipped":
        model, size = ROOT / "weights" / "picturebook", []
        guidance = json.loads((model / "lantern.json").read_text())["guidance"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "picture.png"
        entrants = []
        if "pytorch" in peers:
            entrants.append(Program("diffusers f32", [
                sys.executable, Path(__file__).with_name("draw.py"), model, PROMPT, STEPS, guidance,
                SEED, file]))
        if "sd-cpp" in peers and job == "picture":
            entrants.append(Program("stable-diffusion.cpp", [
                options.sd_cpp, "-m", model, "-p", PROMPT, *size, "--steps", STEPS, "--cfg-scale",
                guidance, "--sampling-method", "euler", "-s", SEED, "-t", options.threads, "-o", file]))
        for precision in precisions(job, options):
            entrants.append(Program(f"Lantern {precision}", [
                options.lantern, "image", PROMPT, "-m", model, *size, "--steps", STEPS, "--guidance",
                guidance, "--precision", precision, "--seed", SEED, "--threads", options.threads,
                "--overwrite", "-o", file]))
        # Whole processes keep nothing from one to the next that a round could warm.
        figures = turns(entrants, 1, options.rounds, uncounted=0)
    return [{"case": f"{STEPS} steps, {'512×512' if size else '128×128'}", "figures": figures}]


def measure_growth(options: argparse.Namespace) -> list[dict]:
    """Lantern's time and memory for the denoiser and the decoder, by size and by batch."""
    sizes = [(side, 2) for side in (256, 384, 512, 768, 1024)]
    rows = []
    for side, batch in dict.fromkeys(sizes + [(512, batch) for batch in (1, 2, 4, 8)]):
        for part in (PARTS["denoiser"], PARTS["decoder"]):
            print(f"{part}, {batch} of {side}×{side}", file=sys.stderr)
            row, end = events([
                options.lantern, "bench", *part_options(options.model, part, side, batch),
                "--precision", options.precisions[0], "--threads", options.threads, "--runs", 1,
                "--json"])
            rows.append({
                "part": part, "side": side, "batch": batch, "precision": options.precisions[0],
                "seconds": row["seconds"], "peak_memory": end["peak_memory"]})
    return rows


def precisions(job: str, options: argparse.Namespace) -> list[str]:
    """Those of Lantern's that a job compares."""
    return [name for name in options.precisions if name != "int4" or job in NEEDS_INT4]


def run(options: argparse.Namespace) -> None:
    peers = available(options)
    found = versions(options.lantern, peers)
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / "results.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    if results.get("machine") != machine():
        results = {"machine": machine(), "peaks": {}, "jobs": {}}
    for job in options.jobs:
        if job in ("model", "picture", "growth"):
            needs_large(options.model)
        if job in JOBS:
            rows = measure_cases(job, options, peers, results["peaks"])
        elif job == "growth":
            rows = measure_growth(options)
        else:
            rows = measure_picture(job, options, peers)
        if options.cases and job in JOBS:
            if not rows:
                continue
            # Rows of other cases stay.
            new = {row["case"] for row in rows}
            old = results["jobs"].get(job, {}).get("rows", [])
            rows = sorted([row for row in old if row["case"] not in new] + rows,
                          key=lambda row: JOBS[job].index(row["case"]))
        results["jobs"][job] = {
            "date": datetime.date.today().isoformat(), "threads": options.threads,
            "rounds": options.rounds, "versions": found, "rows": rows}
        file.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    print(report.write(results, options.out))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", nargs="+", choices=ALL_JOBS, default=ALL_JOBS, metavar="JOB")
    parser.add_argument("--cases", nargs="+", choices=[case for job in JOBS.values() for case in job],
                        metavar="CASE",
                        help="of linear, conv, attention and model these alone, by their names in the "
                             "tables; a wrong name is answered with all of them")
    parser.add_argument("--peers", nargs="*", choices=list(NEEDS), default=list(NEEDS))
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS,
                        help="Lantern's; the first is that of growth")
    parser.add_argument("--rounds", type=int, default=5, help="that count; one more comes before them")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--lantern", default=str(ROOT / ".build" / "release" / "lantern"))
    parser.add_argument("--sd-cpp", help="stable-diffusion.cpp's program")
    parser.add_argument("--llama-cpp", help="llama.cpp's test-backend-ops")
    parser.add_argument("--model", type=Path, default=ROOT / ".build" / "large-model",
                        help="folder of the large model, 2.2 GB; made when missing")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results"))
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    try:
        run(options)
    except Failure as failure:
        sys.exit(str(failure))


if __name__ == "__main__":
    # Asked to end, it ends its entrants too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    main()
