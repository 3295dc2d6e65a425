"""Writes the tables and the picture of docs/speed.md from what the other commands have measured.

python -m benchmarks.operators --seconds 1 --out results
python -m benchmarks.engine --seconds 1 --out results --group encoder --group limits \
    --group scaling --group threads --group memory
SPEL_ISA=v3 OPENCV_CPU_DISABLE=AVX512-SKX ATEN_CPU_CAPABILITY=avx2 \
    python -m benchmarks.operators --seconds 1 --out results-avx2
(and benchmarks.engine --group encoder, into the same folder)
python -m benchmarks.engine.page results results-avx2 docs/speed.md
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from math import exp, log
from pathlib import Path
from typing import Any

PEERS = ("operators-plate", "operators-convolution", "operators-pooling", "operators-others")
TABLES = (*PEERS, "engine-encoder")
SERIES = ("engine-threads", "engine-limits", "engine-scaling", "engine-memory")
PICTURE = "speed-ratios.webp"


@dataclass(frozen=True)
class Results:
    """The rows of a folder of results, by their names."""

    rows: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, folder: Path) -> Results:
        """Read what `--out` wrote; tables that are not there are left out."""
        rows: dict[str, dict[str, Any]] = {}
        for name in TABLES:
            if (path := folder / f"{name}.json").exists():
                rows |= {row["name"]: row for row in json.loads(path.read_text())["rows"]}
        return cls(rows)

    def over(self, name: str, *peers: str) -> float:
        """How many times as long as spel the fastest of the peers takes (all, if none is named)."""
        times = {n: c["ms"] for n, c in self.rows[name]["contenders"].items()}
        others = [ms for n, ms in times.items() if n != "spel" and (not peers or n in peers)]
        return min(others) / times["spel"] if others else float("nan")

    def best_peer(self, name: str) -> str:
        times = {n: c["ms"] for n, c in self.rows[name]["contenders"].items() if n != "spel"}
        return min(times, key=lambda n: times[n])


def main() -> int:
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    wide, narrow, page = map(Path, sys.argv[1:])
    here, avx2 = Results.of(wide), Results.of(narrow)
    parts = [(wide / f"{name}.md").read_text(encoding="utf-8") for name in (*TABLES, *SERIES)]
    tables = "\n".join([_targets(here, wide), *parts, _beside(here, avx2)])
    text = page.read_text(encoding="utf-8")
    text = _with(text, "summary", _summary(here, avx2))
    text = _with(text, "tables", f"\n{tables}".replace("\n### ", "\n## ").lstrip("\n"))
    page.write_text(text, encoding="utf-8")
    _draw(here, avx2, page.parent / "pictures" / PICTURE)
    return 0


def _with(text: str, name: str, content: str) -> str:
    """The text with other content between the two marks of a name."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n{content.strip()}\n\n{end}{rest.partition(end)[2]}"


def _summary(here: Results, avx2: Results) -> str:
    lines = [f"![Best peer's time over spel's, row by row](pictures/{PICTURE})", ""]
    for word, results in (("AVX-512", here), ("AVX2", avx2)):
        ratios = {name: results.over(name) for name in results.rows}
        ratios = {name: ratio for name, ratio in ratios.items() if ratio == ratio}
        lost = sum(ratio < 1 for ratio in ratios.values())
        mean = exp(sum(log(r) for r in ratios.values()) / len(ratios))
        lines.append(
            f"- **{word}**: {len(ratios) - lost} of {len(ratios)} rows are at least as fast as the "
            f"best peer; geometric mean of all rows {mean:.2f}."
        )
    return "\n".join(lines) + "\n"


def _targets(results: Results, folder: Path) -> str:
    plates = [name for name in results.rows if name.startswith("plate layer")]
    convolutions = [name for name in results.rows if name.startswith("convolution")]
    pooled = ("max-pooling", "min-pooling", "mean-pooling")
    rectangles = [n for n in results.rows if n.startswith(pooled) and "disk" not in n]
    disk = next(name for name in results.rows if "radius 15" in name)
    one, eight = (results.over(name, "opencv") for name in plates)
    others = [results.over(name, "scipy", "onnxruntime", "torch") for name in plates]
    won = sum(results.over(name) >= 1 for name in convolutions)
    mean = exp(sum(log(results.over(n)) for n in convolutions) / len(convolutions))
    lost = [n for n in rectangles if results.over(n) < 1]
    limits = json.loads((folder / "engine-limits.json").read_text())["series"][0]["rows"]
    within = [row["time / limit"] for row in limits if row["value"].startswith("plate")]
    rows = [
        ("plate layer, 1 kernel: 2.5 x OpenCV", f"{one:.2f} x", one >= 2.5),
        ("plate layer, 8 kernels: 6 x OpenCV", f"{eight:.2f} x", eight >= 6),
        (
            "plate layer: 15 x the best of SciPy, ONNX Runtime, PyTorch",
            ", ".join(f"{ratio:.1f} x" for ratio in others),
            min(others) >= 15,
        ),
        (
            "plate layer within 1.5 x of the machine's limit",
            ", ".join(f"{ratio:.2f} of it" for ratio in within),
            max(within) <= 1.5,
        ),
        (
            "convolution: no row slower than the best peer",
            f"{won} of {len(convolutions)}",
            won == len(convolutions),
        ),
        ("convolution: geometric mean 2 x the best peer", f"{mean:.2f} x", mean >= 2),
        (
            "disk of radius 15, maximum: 5 x the best peer",
            f"{results.over(disk):.2f} x",
            results.over(disk) >= 5,
        ),
        (
            "any rectangle no slower than the best peer",
            "; ".join(f"{n.split(', 960')[0]} {results.over(n):.2f}" for n in lost) or "all",
            not lost,
        ),
    ]
    lines = ["## The targets", "", "| target | measured | met |", "| --- | --- | --- |"]
    lines += [f"| {what} | {got} | {'yes' if met else 'no'} |" for what, got, met in rows]
    return "\n".join(lines) + "\n"


def _beside(here: Results, avx2: Results) -> str:
    lines = [
        "## AVX2 alone",
        "",
        "spel with `SPEL_ISA=v3`, OpenCV and PyTorch limited to AVX2 in the same way; ONNX Runtime "
        "cannot be told, and uses AVX-512.",
        "",
        "| | spel (ms) | best peer (ms) | best peer / spel | with AVX-512 |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, row in avx2.rows.items():
        times = {n: c["ms"] for n, c in row["contenders"].items()}
        if len(times) < 2:
            continue
        peer = avx2.best_peer(name)
        wide = f"{here.over(name):.2f}" if name in here.rows else ""
        lines.append(
            f"| {name} | {times['spel']:.3g} | {times[peer]:.3g} ({peer}) | "
            f"{avx2.over(name):.2f} | {wide} |"
        )
    return "\n".join(lines) + "\n"


def _draw(here: Results, avx2: Results, path: Path) -> None:
    """Two bars per row: the best peer's time over spel's, with AVX-512 and with AVX2."""
    from matplotlib.figure import Figure

    names = [name for name in here.rows if here.over(name) == here.over(name)]
    figure = Figure(figsize=(9, 1 + 0.32 * len(names)), layout="constrained")
    axes = figure.subplots()
    for shift, word, results, color in (
        (-0.2, "AVX-512", here, "#2a6f97"),
        (0.2, "AVX2", avx2, "#89c2d9"),
    ):
        present = [(i, n) for i, n in enumerate(names) if n in results.rows]
        beyond = [results.over(name) - 1 for _, name in present]
        places = [i + shift for i, _ in present]
        axes.barh(places, beyond, left=1, height=0.38, color=color, label=word)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    ticks = (0.5, 0.7, 1, 1.5, 2, 3, 5, 8)
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.minorticks_off()
    labels = [f"{name.split(', 960 x')[0]}  [{here.best_peer(name)}]" for name in names]
    axes.set_yticks(range(len(names)), labels, fontsize=8)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.set_xlabel("best peer's time over spel's, one thread (right of 1: spel is faster)")
    axes.legend(frameon=False, loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    sys.exit(main())
