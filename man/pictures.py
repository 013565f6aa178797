#!/usr/bin/env python3
"""pictures.py PAGES FOLDER: the manual's pictures as SVG in FOLDER, for light and dark grounds.

Those of steps are drawn from the pages themselves: after the line `.\\" picture NAME` stands a literal block, which terminals
show as it is. A row of it is a place, a cell a page: what it holds is in LEGEND. The others are drawn by the functions below.
"""
import glob
import os
import re
import sys
from xml.sax.saxutils import escape

BLOCK = r'^\.\\" picture (\S+)\n\.Bd -literal.*\n((?:.*\n)*?)\.Ed\n'
LEGEND = {".": "none", "o": "old", "n": "new", "N": "kept", "h": "new", "H": "kept"}
STYLE = """
svg { --text: #1c1e21; --line: #7b828b; --soft: #f1f3f5; --old: #dfe3e8; --new: #d3e6fb; --kept: #0b57a4; --on: #fff; --bad: #b3261e }
@media (prefers-color-scheme: dark) {
  svg { --text: #e4e6e9; --line: #8a929c; --soft: #23272c; --old: #3a4047; --new: #1d3c5e; --kept: #7db7f2; --on: #10141a; --bad: #f2a49f }
}
text { fill: var(--text); font: 14px system-ui, sans-serif } .small { font-size: 12.5px } .middle { text-anchor: middle } .end { text-anchor: end }
.strong { font-weight: 600 } .box { fill: var(--soft); stroke: var(--line) } .frame { fill: none; stroke: var(--line); stroke-dasharray: 5 4 }
.none { fill: none; stroke: var(--line); stroke-dasharray: 2 3 } .old { fill: var(--old); stroke: var(--line) }
.new { fill: var(--new); stroke: var(--kept) } .kept { fill: var(--kept); stroke: var(--kept) } text.kept { fill: var(--on); stroke: none }
.arrow { fill: none; stroke: var(--text); stroke-width: 1.3; marker-end: url(#head) } .life { stroke: var(--line); stroke-dasharray: 2 4 }
.later { stroke-dasharray: 5 4 } .bad { stroke: var(--bad) } text.bad { fill: var(--bad); stroke: none } .head { fill: var(--text) }
"""


class Picture:
    def __init__(self, title, width, height):
        self.title, self.width, self.height, self.parts = title, width, height, []

    def add(self, part):
        self.parts.append(part)

    def text(self, x, y, words, style=""):
        self.add(f'<text x="{x}" y="{y}" class="{style}">{escape(words)}</text>')

    def box(self, x, y, width, height, name="", below="", style="box"):
        self.add(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="5" class="{style}"/>')
        middle = y + height / 2 + 5
        if name:
            self.text(x + width / 2, middle - (8 if below else 0), name, "middle strong")
        if below:
            self.text(x + width / 2, middle + 9, below, "middle small")

    def arrow(self, *points, style=""):
        path = "M" + " L".join(f"{x} {y}" for x, y in points)
        self.add(f'<path d="{path}" class="arrow {style}"/>')

    def __str__(self):
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}" height="{self.height}" role="img">\n'
            f"<title>{escape(self.title)}</title>\n<style>{STYLE}</style>\n"
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse">'
            '<path d="M0 0 L8 4 L0 8 z" class="head"/></marker></defs>\n' + "\n".join(self.parts) + "\n</svg>\n"
        )


def architecture():
    p = Picture("Programs map files; the kernel's page cache is shared by all; the daemon keeps what it received in an arena and writes a journal, then files", 440, 458)
    for x, name in (1, "program"), (155, "program"), (309, "program"):
        p.box(x, 1, 130, 44, name, "mmap, msync")
        p.arrow((x + 65, 47), (x + 65, 72))
    p.box(1, 74, 438, 50, "page cache of the kernel", "every program sees every store at once")
    p.arrow((113, 126), (113, 174))
    p.text(122, 149, "/dev/fuse: changed pages, requests", "small")
    p.box(1, 164, 438, 148, style="frame")
    p.text(432, 181, "mapsharefs", "end small")
    p.box(12, 176, 202, 48, "worker", "serves, commits, checkpoints")
    for x, width, name in (222, 62, "keeper"), (290, 76, "stand-by"), (372, 58, "probe"):
        p.box(x, 192, width, 32, name)
    p.arrow((113, 226), (113, 250))
    p.arrow((253, 226), (253, 250))
    p.box(12, 252, 418, 48, "arena", "memory with all that was received; outlives a worker's death")
    p.arrow((113, 302), (113, 366))
    p.text(122, 336, "commit: one record,", "small")
    p.text(122, 352, "one flush", "small")
    p.arrow((330, 302), (330, 366), style="later")
    p.text(338, 336, "checkpoint,", "small")
    p.text(338, 352, "later", "small")
    p.box(1, 356, 438, 101, style="frame")
    p.box(12, 368, 196, 50, "journal", "what a crash leaves counts")
    p.box(232, 368, 198, 50, "plain files", "complete after unmounting")
    p.text(220, 444, "the store: a folder of yours", "middle small")
    return p


def states():
    p = Picture("The states of a page, and what leads from one to the next", 440, 452)
    for i, (name, below, style, then) in enumerate((
        ("clean", "as in the store", "box", "a program stores"),
        ("kernel", "stored to, in the page cache", "new", "msync, exit, or half a minute"),
        ("received", "in the daemon's arena", "new", "msync, fsync; or a timer: default files"),
        ("committed", "durable in the journal", "box", "a checkpoint begins"),
        ("writeback", "on the way to the store's file", "box", ""),
    )):
        p.box(70, 1 + 84 * i, 220, 46, name, below, style)
        if then:
            p.arrow((180, 49 + 84 * i), (180, 83 + 84 * i))
            p.text(190, 70 + 84 * i, then, "small")
    p.arrow((290, 360), (432, 360), (432, 24), (292, 24))
    p.text(300, 353, "the disk confirms", "small")
    p.arrow((68, 192), (14, 192), (14, 32), (68, 32), style="later")
    p.text(14, 24, "rollback", "small")
    p.box(70, 405, 220, 46, "failed", "kept, and tried again", "none bad")
    p.arrow((140, 385), (140, 403), style="bad")
    p.arrow((220, 403), (220, 385))
    return p


def way():
    p = Picture("The way of a page: program, kernel, daemon, disk", 440, 420)
    lives = {"program": 45, "kernel": 160, "daemon": 275, "disk": 390}
    for name, x in lives.items():
        p.box(x - 44, 1, 88, 30, name)
        p.add(f'<path d="M{x} 33 L{x} 418" class="life"/>')
    y = 64
    for first, last, words, later in (
        ("program", "kernel", "store to memory", False),
        ("program", "kernel", "msync", False),
        ("kernel", "daemon", "WRITE: pages", False),
        ("kernel", "daemon", "FSYNC", False),
        ("daemon", "disk", "journal: record", False),
        ("daemon", "disk", "flush", False),
        ("daemon", "program", "0: it is durable, all of it", False),
        ("daemon", "disk", "store's file", True),
        ("daemon", "disk", "flush", True),
    ):
        a, b = lives[first], lives[last]
        p.arrow((a, y), (b - (2 if b > a else -2), y), style="later" if later else "")
        p.text((a + b) / 2, y - 6, words, "middle small")
        y += 40
    p.text(150, y - 65, "later, in the background", "middle small")
    return p


def steps(block):
    """A literal block of a page: the numbers of the pages, then NAME CELLS [REMARK]."""
    rows = [re.split(r"  +", line.rstrip(), maxsplit=2) for line in block.strip("\n").split("\n")]
    remark = next((row[2] for row in rows if len(row) > 2), "")
    p = Picture("; ".join(f"{row[0]}: {row[1]}" for row in rows[1:]) + f"; {remark}", 440, 40 + 42 * (len(rows) - 1) + 26)
    numbers = rows[0][1].split()
    for i, number in enumerate(numbers):
        p.text(170 + 64 * i, 18, number, "middle small")
    for y, row in enumerate(rows[1:]):
        p.text(4, 51 + 42 * y, row[0])
        for i, cell in enumerate(row[1].split()):
            style = LEGEND.get(cell) or sys.exit(f"pictures.py: no cell is written {cell}: {' '.join(row)}")
            p.box(142 + 64 * i, 28 + 42 * y, 56, 34, style=style)
            words = {"none": "", "old": "old", "new": "new", "kept": "new"}[style]
            if cell in "hH":
                words = "head"
            p.text(170 + 64 * i, 50 + 42 * y, words, f"middle small {'kept' if style == 'kept' else ''}")
    p.text(142, p.height - 12, remark, "strong")
    return p


def draw(pages, folder):
    """Draws all, returns the title of each."""
    pictures = {"architecture": architecture(), "states": states(), "way": way()}
    for path in sorted(glob.glob(os.path.join(pages, "*.[1378]"))):
        with open(path, encoding="utf-8") as file:
            for name, block in re.findall(BLOCK, file.read(), flags=re.M):
                if name not in pictures:
                    pictures[name] = steps(block)
    os.makedirs(folder, exist_ok=True)
    for name, picture in pictures.items():
        with open(os.path.join(folder, name + ".svg"), "w", encoding="utf-8") as file:
            file.write(str(picture))
    return {name: picture.title for name, picture in pictures.items()}


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} PAGES FOLDER")
    draw(*sys.argv[1:])
