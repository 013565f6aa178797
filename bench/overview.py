"""One picture of all: how fast ours is beside the disk's own file system and beside passthrough_ll."""

import math
from xml.sax.saxutils import escape

LEAST, MOST = 1 / 8, 32  # of the axis
LEFT, WIDTH, ROW, TOP = 330, 560, 22, 76
COLOURS = ("#4477aa", "#ee8866")


def place(speed):
    """Where on the logarithmic axis a speed is."""
    return LEFT + WIDTH * math.log(min(max(speed, LEAST), MOST) / LEAST) / math.log(MOST / LEAST)


def text(x, y, words, anchor="start", size=12):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(words)}</text>'


def draw(rows, names, heading):
    """`rows`: metric and, for each of two names, our speed beside it, or None."""
    bottom = TOP + ROW * len(rows)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 70}" height="{bottom + 20}" font-family="sans-serif">',
             '<rect width="100%" height="100%" fill="white"/>', text(10, 20, "Speed of mapsharefs, beside each = 1", size=15), text(10, 38, heading, size=11)]
    for i, name in enumerate(names):
        lines += [f'<rect x="{LEFT + i * 200}" y="46" width="10" height="10" fill="{COLOURS[i]}"/>', text(LEFT + 15 + i * 200, 55, f"beside {name}")]
    tick = LEAST
    while tick <= MOST:
        lines += [f'<line x1="{place(tick):.1f}" y1="{TOP - 6}" x2="{place(tick):.1f}" y2="{bottom}" stroke="{"black" if tick == 1 else "#cccccc"}"/>',
                  text(place(tick), TOP - 9, f"{tick:g}" if tick >= 1 else f"1/{1 / tick:g}", "middle", 10)]
        tick *= 2
    for i, (metric, *speeds) in enumerate(rows):
        lines.append(text(LEFT - 8, TOP + ROW * i + 14, metric, "end", 11))
        for j, speed in enumerate(speeds):
            if speed is None:
                continue
            y, begin, end = TOP + ROW * i + 3 + 8 * j, min(place(1), place(speed)), max(place(1), place(speed))
            lines += [f'<rect x="{begin:.1f}" y="{y}" width="{max(end - begin, 1):.1f}" height="7" fill="{COLOURS[j]}"/>',
                      text(end + 3 if speed >= 1 else begin - 3, y + 7, f"{speed:.2g}", "start" if speed >= 1 else "end", 8)]
    return "\n".join(lines + ["</svg>", ""])
