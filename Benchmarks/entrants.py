"""Who takes part: each measures a case when it is its turn, and does nothing while others run."""

from __future__ import annotations

import atexit
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from cases import Part, parse

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools" / "bench"))
from pytorch import timed  # noqa: E402

LIBRARIES = {"pytorch": "PyTorch f32", "openvino": "OpenVINO f32"}
PARTS = {"text encoder": "text encoder", "denoiser": "denoiser, a call", "decoder": "decoder"}


class Failure(Exception):
    """What an entrant could not do, and why."""


class Worker:
    """A library in a process of its own, stopped between its turns.

    Stopped, not told by OMP_WAIT_POLICY to wait passively, which slows PyTorch's small cases down.
    """

    def __init__(self, library: str, case: str, threads: int, model: Path) -> None:
        self.name = LIBRARIES[library]
        command = [sys.executable, Path(__file__).with_name("worker.py"), "--library", library,
                   "--case", case, "--threads", threads, "--model", model]
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        atexit.register(self.process.kill)
        os.kill(self.process.pid, signal.SIGSTOP)

    def measure(self, runs: int) -> dict:
        os.kill(self.process.pid, signal.SIGCONT)
        try:
            self.process.stdin.write(json.dumps({"runs": runs}) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise Failure(f"its process ended with {self.process.wait()}")
        os.kill(self.process.pid, signal.SIGSTOP)
        answer = json.loads(answer)
        if "failed" in answer:
            raise Failure(answer["failed"])
        return {"seconds": statistics.median(answer["seconds"])}

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


class Lantern:
    """`lantern bench` on one case, a new process each turn."""

    def __init__(
        self, program: str, precision: str, case: str, threads: int, model: Path, peaks: dict
    ) -> None:
        self.name = f"Lantern {precision}"
        self.command = [program, "bench"]
        match parse(case):
            case Part() as part:
                side = part.height if part.name != "text encoder" else 64
                self.command += part_options(model, PARTS[part.name], 8 * side, part.batch)
            case _:
                self.command += ["kernels", "--case", case]
        self.command += ["--precision", precision, "--threads", threads]
        self.peaks = peaks

    def measure(self, runs: int) -> dict:
        row, end = events([*self.command, "--runs", runs, "--json"])
        for name, value in end.items():
            # A model's bench tells the peak of its precision alone.
            if "case" in row and name.startswith("peak_"):
                self.peaks[name] = max(value, self.peaks.get(name, 0))
        seconds = row["seconds"]
        if isinstance(seconds, list):
            seconds = statistics.median(seconds)
        return {"seconds": seconds, "operations": row["operations"], "bytes": row["bytes"]}

    def close(self) -> None:
        pass


class LlamaCpp:
    """llama.cpp's `test-backend-ops` on a matrix product, a new process each turn of a second or more."""

    TYPES = {"f32": 0, "q8_0": 8, "q4_0": 2}  # as GGUF numbers them
    LINE = "{op} 0 {n} {m} 1 1 0 2 {type} {k} {n} 1 1 0 0 0 0 0 {k} {m} 1 1 0 0 0 0 -\n"

    def __init__(self, program: str, weights: str, case: str) -> None:
        self.name = f"llama.cpp {weights}"
        self.program = program
        product = parse(case)
        # The number of an operation differs between versions, so all are offered and one is asked for.
        self.cases = "".join(
            self.LINE.format(op=op, m=product.rows, k=product.inputs, n=product.outputs,
                             type=self.TYPES[weights]) for op in range(20, 50))

    def measure(self, runs: int) -> dict:
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(self.cases)
            file.flush()
            command = [self.program, "perf", "-b", "CPU", "-o", "MUL_MAT", "--test-file", file.name]
            try:
                done = subprocess.run(command, capture_output=True, text=True)
            except OSError as error:
                raise Failure(f"{self.program}: {error}") from None
        found = re.findall(r"MUL_MAT\(.*?([\d.]+) us/run", done.stdout)
        if len(found) != 1:
            raise Failure(f"{' '.join(command)}: exit code {done.returncode}, no time in what it said")
        return {"seconds": float(found[0]) * 1e-6}

    def close(self) -> None:
        pass


class Program:
    """A whole process, from the shell to the picture."""

    def __init__(self, name: str, command: list) -> None:
        self.name, self.command = name, [str(word) for word in command]

    def measure(self, runs: int) -> dict:
        try:
            seconds, megabytes = timed(self.command)
        except OSError as error:
            raise Failure(f"{' '.join(self.command)}: {error}") from None
        except SystemExit:
            again = subprocess.run(
                self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            said = again.stdout.strip().splitlines() or [f"exit code {again.returncode}"]
            raise Failure(f"{' '.join(self.command)}: {said[-1]}") from None
        return {"seconds": seconds, "megabytes": megabytes}

    def close(self) -> None:
        pass


def part_options(model: Path, part: str, side: int, batch: int) -> list:
    """What makes `lantern bench` measure one part of a model alone."""
    return ["model", "-m", model, "-W", side, "-H", side, "--batch", batch, "--part", part]


def events(command: list) -> tuple[dict, dict]:
    """The one measurement that a `lantern bench` of one case prints, and its end event."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        said = [json.loads(line) for line in done.stdout.splitlines()]
        row, end = (event for event in said if event.get("event") != "note")
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip().splitlines() or [f"exit code {error.returncode}"]
        raise Failure(f"{' '.join(words)}: {said[0]}") from None
    except (OSError, ValueError) as error:
        raise Failure(f"{' '.join(words)}: {error}") from None
    return row, end


def turns(entrants: list, runs: int, rounds: int, uncounted: int = 1) -> dict:
    """What each entrant measured in each round, all of them in turns; the first are not counted.

    Where a peer fails, it is left out and the reason kept; a failure of Lantern's ends it all.
    """
    figures = {entrant.name: {} for entrant in entrants}
    running = list(entrants)
    try:
        for turn in range(uncounted + rounds):
            for entrant in list(running):
                try:
                    figure = entrant.measure(runs)
                except Failure as failure:
                    if entrant.name.startswith("Lantern"):
                        raise
                    print(f"{entrant.name}: {failure}", file=sys.stderr)
                    figures[entrant.name] = {"failed": str(failure)}
                    running.remove(entrant)
                    continue
                if turn >= uncounted:
                    for key, value in figure.items():
                        figures[entrant.name].setdefault(key, []).append(value)
    finally:
        for entrant in entrants:
            entrant.close()
    return figures
