"""Draws Sources/Lantern/Lantern.docc/rooms.svg, the rooms and the arrows that matter.

    python tools/docs/rooms.py

Needs Python alone. A new room is a row of ROOMS, with its arrows in ARROWS.
"""

from pathlib import Path

WIDTH, HEIGHT = 210, 58
COLUMNS = [120, 340, 560, 780]
MIDDLE = 450
STEP = 92

# name, what it does, where it stands (None for the middle), row from the top
ROOMS = [
    ("LanternCLI", "the program lantern", None, 0),
    ("LanternBench", "speed, and what a step buys", None, 1),
    ("LanternEvaluation", "is it right?", None, 2),
    ("LanternHub", "models by name, fetched", 3, 2),
    ("LanternServer", "behind HTTP, and a page", 0, 2),
    ("LanternLibrary", "one's own documents", 3, 1),
    ("Lantern", "from prompt to picture and story", None, 3),
    ("LanternModels", "one architecture a file", 0, 4),
    ("LanternDecoding", "from scores to tokens", 1, 4),
    ("LanternLayers", "shared layers, weights by name", 0, 5),
    ("LanternTokenizers", "text to ids, and back", 1, 5),
    ("LanternSamplers", "from noise to sample", 2, 5),
    ("LanternPictures", "tensors to PNG and JPEG", 3, 5),
    ("LanternFormats", "files to tensors and settings", None, 6),
    ("LanternTensor", "shaped immutable values", None, 7),
    ("CLanternKernels", "arithmetic on pointers", 1, 8),
    ("LanternPlatform", "C library, files, locks", 2, 8),
    ("CLanternPictures", "libpng, libjpeg", 3, 8),
]

# from a room to one that imports it, and how far from the middle of each box the arrow stands
ARROWS = [
    ("CLanternKernels", "LanternTensor", 0, -60),
    ("LanternPlatform", "LanternTensor", 0, 60),
    ("LanternTensor", "LanternFormats", 0, 0),
    ("LanternFormats", "LanternLayers", -75, 0),
    ("LanternFormats", "LanternTokenizers", -25, 0),
    ("LanternFormats", "LanternSamplers", 25, 0),
    ("LanternFormats", "LanternPictures", 75, 0),
    ("CLanternPictures", "LanternPictures", 0, 0),
    ("LanternLayers", "LanternModels", 0, 0),
    ("LanternTokenizers", "LanternDecoding", 0, 0),
    ("LanternModels", "Lantern", 0, -75),
    ("LanternDecoding", "Lantern", 0, -25),
    ("LanternSamplers", "Lantern", 0, 25),
    ("LanternPictures", "Lantern", 0, 75),
    ("Lantern", "LanternEvaluation", 0, 0),
    ("LanternEvaluation", "LanternBench", 0, 0),
    ("LanternBench", "LanternCLI", 0, 0),
    ("Lantern", "LanternHub", 75, 0),
    ("LanternHub", "LanternLibrary", 0, 0),
    ("LanternLibrary", "LanternCLI", 0, 75),
    ("Lantern", "LanternServer", -75, 0),
    ("LanternServer", "LanternCLI", 0, -75),
]


def main():
    place = {}
    for name, _, column, row in ROOMS:
        place[name] = (MIDDLE if column is None else COLUMNS[column], 20 + row * STEP)
    height = 20 + (max(row for *_, row in ROOMS) + 1) * STEP
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 {height}" width="900" height="{height}" font-family="Helvetica, Arial, sans-serif">',
        "<title>The rooms of Lantern and who imports whom</title>",
        f'<rect width="900" height="{height}" fill="#ffffff"/>',
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 L10 5 L0 10 z" fill="#5a6472"/></marker></defs>',
        '<g fill="none" stroke="#5a6472" stroke-width="1.6" marker-end="url(#tip)">',
    ]
    for index, (below, above, out, into) in enumerate(ARROWS):
        x, y = place[below][0] + out, place[below][1]
        to_x, to_y = place[above][0] + into, place[above][1] + HEIGHT + 1
        bend = y - 11 - 8 * (abs(out) < 50) if out else to_y + 11 + 8 * (abs(into) < 50)
        way = f"L{to_x} {to_y}" if x == to_x else f"V{bend} H{to_x} V{to_y}"
        lines.append(f'<path d="M{x} {y} {way}"/>')
    lines.append("</g>")
    for name, duty, _, _ in ROOMS:
        x, y = place[name]
        fill = "#ececec" if name.startswith("C") else "#fff1d6" if name == "Lantern" else "#e6eef8"
        lines.append(
            f'<g text-anchor="middle"><rect x="{x - WIDTH // 2}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="{fill}" stroke="#5a6472"/>'
            f'<text x="{x}" y="{y + 25}" font-size="16" font-weight="bold" fill="#1b2430">{name}</text>'
            f'<text x="{x}" y="{y + 44}" font-size="12" fill="#1b2430">{duty}</text></g>'
        )
    lines.append("</svg>")
    path = Path(__file__).parents[2] / "Sources/Lantern/Lantern.docc/rooms.svg"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
