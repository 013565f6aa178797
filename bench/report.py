"""Samples become a table, JSON and plots."""

import datetime
import json
import os
import shutil
import statistics
import subprocess

import overview
from cases import DISK, OURS, PEER, SMALL

HIGHER_IS_BETTER = ("1/s", "1/us", "MB/s")


class Report:
    def __init__(self, disk_type, heading):
        self.disk_type, self.heading = disk_type, heading
        self.samples = {}  # (metric, system) -> list of numbers
        self.units = {}  # metric -> unit, in the order of first appearance
        self.cases = {}  # metric -> name of the case it was first measured in

    def add(self, case, metric, system, value, unit):
        self.units.setdefault(metric, unit)
        self.cases.setdefault(metric, case)
        self.samples.setdefault((metric, system), []).append(value)

    def median(self, metric, system):
        values = self.samples.get((metric, system))
        return statistics.median(values) if values else None

    def label(self, system):
        return {DISK: self.disk_type, SMALL: f"{self.disk_type}, folios of one page"}.get(system, system)

    def speed(self, metric, system, beside=DISK):
        """How many times as fast as the plain file system, or another one."""
        own, other = self.median(metric, system), self.median(metric, beside)
        if not own or not other:
            return None
        return own / other if self.units[metric] in HIGHER_IS_BETTER else other / own

    def overview(self):
        rows = [(metric, self.speed(metric, OURS), self.speed(metric, OURS, PEER)) for metric in self.units]
        return overview.draw([row for row in rows if any(row[1:])], (self.label(DISK), PEER), self.heading)

    def judge(self, goal):
        """What a goal says, what was measured, and whether it is met (None: not measured)."""
        value = self.median(*goal.above)
        if goal.below is None:
            text = f"{goal.comparison} {goal.limit:.4g}"
        else:
            above, below = (self.describe(side, goal) for side in (goal.above, goal.below))
            text = f"{above} / {below} {goal.comparison} {goal.limit:.4g}"
            divisor = self.median(*goal.below)
            value = value / divisor if value is not None and divisor else None
        met = None if value is None else value <= goal.limit if goal.comparison == "<=" else value >= goal.limit
        return text, value, met

    def describe(self, side, goal):
        metric, system = side
        if goal.above[0] == goal.below[0]:
            return "ours" if system == OURS else self.label(system)
        return f"{metric}" if goal.above[1] == goal.below[1] or system == OURS else f"{metric} on {self.label(system)}"

    def metric_of(self, goal):
        """The metric of ours beside which a goal is shown."""
        return goal.above[0] if goal.above[1] == OURS else goal.below[0]

    def table(self, cases):
        goals = {}
        for case in cases:
            for goal in case.goals:
                goals.setdefault(self.metric_of(goal), []).append(self.judge(goal))
        lines = [self.heading, "",
                 f"{'':44}{'median':>11}{'min':>11}{'max':>11} {'unit':6}{'speed, ' + self.disk_type + ' = 1':>16}  goal"]
        for metric, unit in self.units.items():
            lines.append(metric)
            for system in [name for measured, name in self.samples if measured == metric]:
                values, speed = self.samples[metric, system], self.speed(metric, system)
                row = (f"    {self.label(system):40}{statistics.median(values):11.5g}{min(values):11.5g}{max(values):11.5g}"
                       f" {unit:6}{'' if speed is None else format(speed, '.2f'):>16}")
                shown = [f"{text}: {verdict(value, met)}" for text, value, met in goals.get(metric, []) if system == OURS]
                lines.append((row + "  " + shown[0] if shown else row).rstrip())
                lines += [" " * 105 + more for more in shown[1:]]
        judged = [met for verdicts in goals.values() for _, _, met in verdicts]
        lines += ["", f"goals: {judged.count(True)} met, {judged.count(False)} missed, {judged.count(None)} not measured"]
        return "\n".join(lines)

    def json(self, cases, settings):
        results = [{"metric": metric, "system": self.label(system), "unit": self.units[metric], "median": statistics.median(values),
                    "min": min(values), "max": max(values), "speed": self.speed(metric, system),
                    "samples": [round(value, 4) for value in values]}
                   for (metric, system), values in self.samples.items()]
        goals = [dict(zip(("goal", "value", "met"), self.judge(goal)), case=case.name, metric=self.metric_of(goal))
                 for case in cases for goal in case.goals]
        return json.dumps({"heading": self.heading, "settings": settings, "results": results, "goals": goals}, indent=2)

    def write(self, folder, cases, settings):
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "samples.json"), "w", encoding="utf-8") as out:
            print(self.json(cases, settings), file=out)
        with open(os.path.join(folder, "overview.svg"), "w", encoding="utf-8") as out:
            out.write(self.overview())
        pictures = ["overview"] + (self.plot(folder) if shutil.which("gnuplot") else [])
        with open(os.path.join(folder, "README.md"), "w", encoding="utf-8") as out:
            about = ", ".join(f"{name} {value}" for name, value in settings.items() if value)
            print(f"# Measured on {datetime.date.today()}\n\nWith {about}.", file=out)
            print("What the figures mean: [the bench](../README.md).\n", file=out)
            for picture in pictures:
                print(f"![{picture}]({picture}.svg)\n", file=out)
            print("```", self.table(cases), "```", sep="\n", file=out)

    def plot(self, folder):
        """A picture for each case: the speed of each system beside the plain file system's. Returns their names."""
        drawn = []
        for case in dict.fromkeys(self.cases.values()):
            metrics = [metric for metric in self.units if self.cases[metric] == case and (metric, DISK) in self.samples]
            names = [name for name in dict.fromkeys(system for _, system in self.samples)
                     if name != DISK and any((metric, name) in self.samples for metric in metrics)]
            if names:
                self.plot_case(os.path.join(folder, case), metrics, names, case)
                drawn.append(case)
        return drawn

    def plot_case(self, path, metrics, names, case):
        rows = [["metric"] + [self.label(name) for name in names]]
        rows += [[metric] + [str(self.speed(metric, name) or "NaN") for name in names] for metric in metrics]
        data = "\n".join("\t".join(row) for row in rows)
        script = f"""$data << END
{data}
END
set terminal svg size {480 + 30 * len(metrics) * len(names)},520 background rgb 'white'
set output '{path}.svg'
set datafile separator tab
set title '{case}: speed, {self.disk_type} on the same disk = 1' noenhanced
set style data histogram; set style histogram clustered gap 1; set style fill solid 0.8 border -1
set logscale y; set grid y; set key outside top right noenhanced; set xtics noenhanced rotate by -20; set bmargin 9
plot for [column=2:{len(names) + 1}] $data using column:xtic(1) title columnheader(column), \\
    1 with lines title '{self.disk_type}'
"""
        subprocess.run(["gnuplot"], input=script, text=True, check=True, capture_output=True)


def verdict(value, met):
    return "not measured" if met is None else f"{value:.4g}, {'met' if met else 'MISSED'}"
