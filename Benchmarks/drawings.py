"""Drawings over two logarithmic axes, as SVG that needs nothing else."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass, field

INK, GRID, PAPER = "#222222", "#dddddd", "#fcfcfa"
COLOURS = ["#1f5fa8", "#c2560a", "#2e7d32", "#8e24aa"]
LEFT, TOP, BOTTOM = 78, 34, 48  # What a plot needs around its frame.


def text(x: float, y: float, words: str, size: int = 12, anchor: str = "start", extra: str = "") -> str:
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" {extra}>'
            f"{html.escape(words)}</text>")


def page(width: int, height: int, title: str, elements: list[str]) -> str:
    """A drawing on its own paper, so that it can be read on a dark page too."""
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{html.escape(title)}" font-family="system-ui, sans-serif" fill="{INK}">',
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>', *elements, "</svg>", ""])


def short(value: float) -> str:
    """A number for a tick: 0.5, 2000, 30k, 4G."""
    if value < 1e4:
        return f"{value:g}"
    for letter, unit in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= unit:
            return f"{value / unit:g}{letter}"
    return f"{value:g}"


def steps(low: float, high: float) -> list[float]:
    """Round numbers between two, fewer where they lie far apart."""
    digits = (1, 2, 5) if high / low < 500 else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [float(f"{digit}e{power}") for power in powers for digit in digits]
    return [tick for tick in ticks if low <= tick <= high]


@dataclass
class Plot:
    """A frame with axes at a place of the page, and what is drawn in it."""

    x: float
    y: float
    width: float
    height: float
    across: tuple[float, float]
    up: tuple[float, float]
    title: str
    labels: tuple[str, str]
    ticks: list[float] | None = None
    elements: list[str] = field(default_factory=list)

    def place(self, x: float, y: float) -> tuple[float, float]:
        def share(value: float, ends: tuple[float, float]) -> float:
            return math.log(value / ends[0]) / math.log(ends[1] / ends[0])

        return (self.x + LEFT + share(x, self.across) * (self.width - LEFT),
                self.y + self.height - BOTTOM - share(y, self.up) * (self.height - TOP - BOTTOM))

    def line(self, points: list[tuple[float, float]], colour: str, extra: str = "") -> None:
        places = " ".join("{:.1f},{:.1f}".format(*self.place(*point)) for point in points)
        self.elements.append(
            f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.6" {extra}/>')

    def dot(self, x: float, y: float, colour: str, title: str, label: str = "") -> None:
        """A point that says `title` when it is pointed at, and wears a label of one or two signs."""
        across, up = self.place(x, y)
        self.elements.append(
            f'<circle cx="{across:.1f}" cy="{up:.1f}" r="{7.5 if label else 3.5}" fill="{colour}" '
            f'fill-opacity="0.85"><title>{html.escape(title)}</title></circle>')
        if label:
            self.elements.append(
                text(across, up + 3.2, label, 9, "middle", 'fill="#ffffff" pointer-events="none"'))

    def svg(self) -> list[str]:
        left, bottom = self.place(self.across[0], self.up[0])
        right, top = self.place(self.across[1], self.up[1])
        parts = [text(left, self.y + 20, self.title, 14, extra='font-weight="600"')]
        for tick in self.ticks or steps(*self.across):
            x, _ = self.place(tick, self.up[0])
            parts.append(f'<path d="M{x:.1f} {top:.1f}V{bottom:.1f}" stroke="{GRID}"/>')
            parts.append(text(x, bottom + 16, short(tick), 11, "middle"))
        for tick in steps(*self.up):
            _, y = self.place(self.across[0], tick)
            parts.append(f'<path d="M{left:.1f} {y:.1f}H{right:.1f}" stroke="{GRID}"/>')
            parts.append(text(left - 6, y + 4, short(tick), 11, "end"))
        middle = (top + bottom) / 2
        parts.append(text((left + right) / 2, bottom + 36, self.labels[0], 12, "middle"))
        parts.append(text(self.x + 18, middle, self.labels[1], 12, "middle",
                          f'transform="rotate(-90 {self.x + 18:.1f} {middle:.1f})"'))
        return parts + self.elements


def exponent(points: list[tuple[float, float]]) -> float:
    """The slope of the straight line nearest to points on logarithmic axes."""
    xs, ys = zip(*((math.log(x), math.log(y)) for x, y in points))
    middle, height = sum(xs) / len(xs), sum(ys) / len(ys)
    return (sum((x - middle) * (y - height) for x, y in zip(xs, ys))
            / sum((x - middle) ** 2 for x in xs))


def around(values: list[float]) -> tuple[float, float]:
    """The ends of an axis that shows values with some room."""
    return min(values) / 1.5, max(values) * 1.5
