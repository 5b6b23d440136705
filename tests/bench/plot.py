#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""plot.py - draw the rates of a run of bench.py as bars.

	plot.py bench.json >bench.svg

A group is a case; its longest bar is the fastest subject of that case, so that
bars of two groups do not compare. A thin line goes from the slowest turn to the
fastest. The same file gives the same picture; colours are those of the reader's
light or dark scheme.
"""
import json
import sys
from xml.sax.saxutils import escape

# What tells the most, of all cases that bench.py measures.
CASES = ("detail with content", "raw 2 KiB", "detail, 304", "page of 50, all",
         "create 2 KiB, 64 clients", "mixed 90/10", "raw 10 MiB",
         "upload 10 MiB, 4 clients", "upload 10 MiB, 1 client")
# In this order: the subject, its name here.
SUBJECTS = {"artifactd": "artifactd", "other": "the other build",
            "control": "control", "files": "nginx, a file",
            "fastapi": "FastAPI", "registry": "registry"}
WIDTH, LEFT, RIGHT = 760, 140, 170
BAR, STEP, HEAD, GAP = 13, 18, 26, 14

STYLE = """
	text { font: 12px sans-serif; fill: #1f2328; }
	.case { font-weight: bold; }
	.name { text-anchor: end; }
	.spread { stroke: #1f2328; }
	rect { fill: #afb8c1; }
	.artifactd { fill: #0969da; }
	.other { fill: #80b8f5; }
	.control { fill: #6e7781; }
	@media (prefers-color-scheme: dark) {
		text { fill: #e6edf3; }
		.spread { stroke: #e6edf3; }
		rect { fill: #484f58; }
		.artifactd { fill: #4493f8; }
		.other { fill: #1f4f8f; }
		.control { fill: #8b949e; }
	}
"""


def number(value):
    """1234.5 as 1,234; 12.34 as 12.3."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def bars(case, row, top):
    """The elements of one group, and where the next one begins."""
    fastest = max(turn["rate"] for figures in row.values()
                  for turn in figures["turns"])
    scale = (WIDTH - LEFT - RIGHT) / fastest
    out = [f'<text class="case" x="0" y="{top + 14}">{escape(case)}</text>']
    y = top + HEAD
    for subject, name in SUBJECTS.items():
        if subject not in row:
            continue
        figures = row[subject]
        rates = [turn["rate"] * scale for turn in figures["turns"]]
        middle = y + BAR / 2
        out += [
            f'<text class="name" x="{LEFT - 8}" y="{y + 11}">{name}</text>',
            f'<rect class="{subject}" x="{LEFT}" y="{y}" '
            f'width="{figures["rate"] * scale:.1f}" height="{BAR}"/>',
            f'<path class="spread" d="M{LEFT + min(rates):.1f} {middle}'
            f'H{LEFT + max(rates):.1f}"/>',
            f'<text x="{WIDTH - RIGHT + 8}" y="{y + 11}">'
            f'{number(figures["rate"])}/s, p99 '
            f'{number(figures["p99"] * 1e3)} ms</text>']
        y += STEP
    return out, y + GAP


def picture(results):
    out, top = [], 0
    for case in CASES:
        if case in results["cases"]:
            group, top = bars(case, results["cases"][case], top)
            out += group
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}"'
        f' width="{WIDTH}" height="{top}" role="img">',
        "<title>requests a second, beside the control and the peers</title>",
        f"<style>{STYLE}</style>", *out, "</svg>"])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: plot.py bench.json >bench.svg")
    with open(sys.argv[1]) as file:
        print(picture(json.load(file)))
