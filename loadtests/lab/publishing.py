"""Where a measurement ends: its document, its report, and what the terminal says."""

import shutil
import sys
import time

from loadtests.lab.measure import path_of
from loadtests.lab.report import summarise, write_html
from loadtests.lab.result import ExitCode, Result, Verdict
from project.management.catalogue import shown
from project.management.style import is_coloured

WIDEST = 120


def publish(result: Result, code: ExitCode, summary: str) -> ExitCode:
    """Conclude, write the JSON document and the HTML report, and print the summary."""
    result.verdict = Verdict(code=code, summary=summary)
    result.seconds = time.time() - result.started
    path = path_of(result)
    result.write(path)
    report = path.with_suffix(".html")
    write_html(result, report)
    width = min(WIDEST, shutil.get_terminal_size().columns)
    print(summarise(result, width=width, colour=is_coloured(sys.stdout)))
    print(f"\n{shown(report)}\n{shown(path)}")
    return code
