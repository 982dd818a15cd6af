"""Turns results.json into tables (results.md) and drawings (roofline.svg, growth.svg).

    python Benchmarks/report.py Benchmarks/results/results.json

peers.py does so by itself when it has measured.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from pathlib import Path

from drawings import COLOURS, Plot, around, exponent, page, text

TITLES = {
    "linear": "Matrix products", "conv": "Convolutions", "attention": "Attention",
    "model": "Parts of a model of Stable Diffusion 1.5's size",
    "picture": "A picture by a model of that size, whole processes",
    "shipped": "A picture by the shipped weights, whole processes",
}
KERNELS = ["linear", "conv", "attention"]
ROOFS = {
    "peak_operations": "f32", "peak_operations_16": "16 bits", "peak_operations_8": "8 bits"}
PRECISIONS = {"exact": 0, "fast": 1, "int8": 2, "int4": 3}


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def median(figure: dict) -> float | None:
    """Of an entrant's seconds, when it has any."""
    return statistics.median(figure["seconds"]) if figure.get("seconds") else None


def cell(figure: dict, in_milliseconds: bool) -> str:
    """Median, least and most, and memory."""
    if not figure.get("seconds"):
        return "failed" if "failed" in figure else "–"
    unit = 1e3 if in_milliseconds else 1
    seconds = [unit * value for value in figure["seconds"]]
    words = f"{statistics.median(seconds):.4g} ({min(seconds):.4g}–{max(seconds):.4g})"
    if "megabytes" in figure:
        words += f", {max(figure['megabytes']):,.0f} MB"
    return words


def times_table(rows: list[dict], names: list[str], in_milliseconds: bool) -> str:
    unit = "ms" if in_milliseconds else "s"
    return table(
        [f"{unit}: median (least–most)", *names],
        [[row["case"], *(cell(row["figures"].get(name, {}), in_milliseconds) for name in names)]
         for row in rows])


def ratios(row: dict, ours: str, peers: list[str]) -> dict[str, float]:
    """Lantern's time as a part of each peer's, and of the best peer's."""
    own = median(row["figures"].get(ours, {}))
    theirs = {peer: median(row["figures"].get(peer, {})) for peer in peers}
    theirs = {peer: seconds for peer, seconds in theirs.items() if seconds}
    if not own or not theirs:
        return {}
    return {**{peer: own / seconds for peer, seconds in theirs.items()},
            "best peer": own / min(theirs.values())}


def ratio_table(rows: list[dict], names: list[str]) -> str:
    """Lantern's time divided by the peers', and the geometric means of that."""
    peers = [name for name in names if not name.startswith("Lantern")]
    ours = [name for name in names if name.startswith("Lantern")]
    against = [*peers, "best peer"]
    lines, means = [], []
    for name in ours:
        found = [ratios(row, name, peers) for row in rows]
        lines += [
            [row["case"], name, *(f"{of[peer]:.2f}" if peer in of else "–" for peer in against)]
            for row, of in zip(rows, found)]
        of_peer = [[of[peer] for of in found if peer in of] for peer in against]
        means.append(["**geometric mean**", name, *(
            f"**{math.exp(statistics.fmean(map(math.log, values))):.2f}**" if values else "–"
            for values in of_peer)])
    if len(rows) > 1:
        lines += means
    return table(["Lantern's time ÷", "", *against], lines)


def section(job: str, result: dict) -> str:
    rows = result["rows"]
    names = list(dict.fromkeys(name for row in rows for name in row["figures"]))
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    parts = [
        f"## {TITLES[job]}\n",
        f"{result['date']}, {result['threads']} threads, {result['rounds']} rounds in turns; "
        f"{versions}.\n",
        times_table(rows, names, job in KERNELS)]
    if any(not name.startswith("Lantern") for name in names):
        parts.append(ratio_table(rows, names))
    failed = [f"- {name}, {row['case']}: {figure['failed']}"
              for row in rows for name, figure in row["figures"].items() if "failed" in figure]
    return "\n".join([*parts, *failed, *([""] if failed else [])])


def markdown(results: dict, drawn: list[str]) -> str:
    machine = results["machine"]
    head = (f"# Lantern beside its peers\n\n{machine['processor']}, {machine['cores']} cores, "
            f"{machine['memory'] / 2 ** 30:.0f} GiB; {', '.join(machine['flags'])}.\n")
    sections = [section(job, results["jobs"][job]) for job in TITLES if job in results["jobs"]]
    pictures = [f"![{name.removesuffix('.svg')}]({name})\n" for name in drawn]
    return "\n".join([head, *sections, *pictures])


def roofline(results: dict) -> str | None:
    """Lantern's kernels below what the processor and its memory allow; None when none were measured."""
    rows = [row for job in KERNELS for row in results["jobs"].get(job, {}).get("rows", [])]
    points = []
    for number, row in enumerate(rows, 1):
        for precision in PRECISIONS:
            figure = row["figures"].get(f"Lantern {precision}", {})
            if figure.get("seconds"):
                work = figure["operations"][0]
                points.append(
                    (work / figure["bytes"][0], work / median(figure), precision, number, row["case"]))
    peaks = results["peaks"]
    if not points or "peak_bytes" not in peaks:
        return None
    roofs = {name: peaks[key] for key, name in ROOFS.items() if key in peaks}
    across = around([point[0] for point in points] + [min(roofs.values()) / peaks["peak_bytes"]])
    up = around([point[1] for point in points] + list(roofs.values()))
    height = max(520, 20 * len(rows) + 200)
    title = "Lantern's kernels below the roofs of this machine"
    plot = Plot(10, 6, 690, height - 20, across, up, title, ("operations a byte", "operations a second"))
    key = []
    for index, (name, peak) in enumerate(roofs.items()):
        knee = peak / peaks["peak_bytes"]
        start = max(up[0], across[0] * peaks["peak_bytes"])
        bend = min(max(knee, across[0]), across[1])
        plot.line([(start / peaks["peak_bytes"], start), (bend, min(peak, bend * peaks["peak_bytes"])),
                   (across[1], min(peak, across[1] * peaks["peak_bytes"]))], COLOURS[index],
                  'stroke-dasharray="6 3"')
        key.append((COLOURS[index], f"- - roof of {name}: {peak / 1e9:,.0f} G/s"))
    for x, y, precision, number, case in points:
        plot.dot(x, y, COLOURS[PRECISIONS[precision]], f"{case}, {precision}: {y / 1e9:.1f} G/s",
                 str(number))
    used = {point[2] for point in points}
    key += [(COLOURS[index], f"● {name}") for name, index in PRECISIONS.items() if name in used]
    key.append(("#222222", f"memory: {peaks['peak_bytes'] / 1e9:.1f} GB/s"))
    key += [("#222222", f"{number}  {row['case']}") for number, row in enumerate(rows, 1)]
    legend = [text(720, 50 + 20 * line, words, 12, extra=f'fill="{colour}"')
              for line, (colour, words) in enumerate(key)]
    return page(960, height, plot.title, plot.svg() + legend)


def growth(results: dict) -> str | None:
    """Seconds and memory by size and by batch; None when they were not measured."""
    rows = results["jobs"].get("growth", {}).get("rows")
    if not rows:
        return None
    views = [("side", "side of the picture, pixels", "batch", 2), ("batch", "batch", "side", 512)]
    elements = []
    for column, (axis, label, other, fixed) in enumerate(views):
        quantities = [("seconds", "seconds"), ("peak_memory", "bytes at most")]
        for line, (quantity, name) in enumerate(quantities):
            chosen = [row for row in rows if row[other] == fixed]
            values = sorted({row[axis] for row in chosen})
            what = f"a batch of {fixed}" if axis == "side" else f"at {fixed}×{fixed}"
            plot = Plot(
                10 + 480 * column, 6 + 370 * line, 460, 360, (values[0] / 1.1, values[-1] * 1.1),
                around([row[quantity] for row in chosen]),
                f"{name} by {axis}, {what}, {rows[0]['precision']}", (label, name), values)
            for index, part in enumerate(dict.fromkeys(row["part"] for row in chosen)):
                points = sorted((row[axis], row[quantity]) for row in chosen if row["part"] == part)
                plot.line(points, COLOURS[index])
                for x, y in points:
                    plot.dot(x, y, COLOURS[index], f"{part}, {x}: {y:.4g}")
                plot.elements.append(text(
                    plot.x + 90, plot.y + 50 + 17 * index, f"● {part}: ∝ {axis}^{exponent(points):.2f}",
                    12, extra=f'fill="{COLOURS[index]}"'))
            elements += plot.svg()
    return page(970, 750, "How time and memory grow", elements)


def write(results: dict, folder: Path) -> str:
    """Writes tables and drawings; returns the tables."""
    drawings = {"roofline.svg": roofline(results), "growth.svg": growth(results)}
    drawn = {name: svg for name, svg in drawings.items() if svg}
    for name, svg in drawn.items():
        (folder / name).write_text(svg)
    tables = markdown(results, list(drawn))
    (folder / "results.md").write_text(tables)
    return tables


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--out", type=Path, help="where to write; beside the results by default")
    options = parser.parse_args()
    print(write(json.loads(options.results.read_text()), options.out or options.results.parent))


if __name__ == "__main__":
    main()
