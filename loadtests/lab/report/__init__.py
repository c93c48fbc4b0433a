"""A result for people: one page that needs no network and no script, and a summary for a terminal.

units.py      figures as people read them
choices.py    which configurations and windows of a result the story is about
scale.py      axes with round ticks
drawing.py    what an SVG is made of: boxes, strokes, dots, words
charts.py     lines over a common axis      rows.py  bars and intervals      grid.py  a heat map
ladders.py  costs.py  comparisons.py        from a result to such figures
page.py       sections, where their data are there; templates/ and report.css
terminal.py   the summary
"""

from loadtests.lab.report.page import render, write_html
from loadtests.lab.report.terminal import summarise

__all__ = ["render", "summarise", "write_html"]
