"""What squawk, a linter for PostgreSQL, has to say of a migration's SQL."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from alembic import command

from project.db.migrations import alembic_config
from project.errors import CommandError, ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from project.db.migrations import Revision

LEFT_OUT = (
    "require-lock-timeout",  # `migrate` sets it on its connection, and tries again
    "require-statement-timeout",  # an index is built for minutes; what holds others up is a lock
    "require-timeout-settings",  # both of them under an older name
    "prefer-robust-stmts",  # one transaction each, and IF NOT EXISTS keeps INVALID indexes
    "prefer-text-field",  # lengths are promises of the API; raising one is cheap
    "prefer-bigint-over-int",  # ids are bigint by BigIntKey; a stock or a width is no id
    "prefer-bigint-over-smallint",  # the same
)
POSTGRESQL = "16.0"
"""The oldest server that is thought of; newer ones lock no more than it does."""

NOT_OFFLINE = "not-offline"
# For rules that say what is wrong, and leave it at that.
SAFE_WAYS = {
    "ban-drop-column": "Deploy code that does not use it first; drop it with the next release.",
    "ban-drop-table": "Deploy code that does not use it first; drop it with the next release.",
    "renaming-column": "Running code knows the old name: add the new column, write both, copy, "
    "read the new one, then drop the old one.",
    "renaming-table": "Running code knows the old name: leave a view under it for one release.",
    "changing-column-type": "A longer VARCHAR, or TEXT in its place, rewrites nothing: allow that. "
    "Otherwise add a column of the new type, write both, copy in portions, switch.",
    NOT_OFFLINE: "Nothing of it was looked at: read it yourself.",
}
ALLOWED = re.compile(
    r"^\s*# lint: allow (?P<rule>[\w-]+)(?: -- (?P<reason>.*\S))?\s*$", re.MULTILINE
)


class Finding(NamedTuple):
    """Something unsafe in a migration."""

    rule: str
    statement: str
    message: str

    @property
    def safe_way(self) -> str | None:
        return SAFE_WAYS.get(self.rule)


def lint_migration(script: Revision) -> list[Finding]:
    """Return what is unsafe in it and not allowed by a comment, and allowances without effect."""
    allowed = _allowances(script)
    found = list(_findings(script))
    rules = {finding.rule for finding in found}
    unused = [Finding(rule, f"# lint: allow {rule}", _UNUSED) for rule in allowed - rules]
    return [finding for finding in found if finding.rule not in allowed] + unused


def allow_what_is_found(script: Revision, reason: str) -> None:
    """Write an allowance into the file for each rule that finds something in it."""
    rules = sorted({finding.rule for finding in lint_migration(script)})
    lines = "".join(f"# lint: allow {rule} -- {reason}\n" for rule in rules)
    content = script.path.read_text("utf-8")
    mark = "def upgrade()"
    script.path.write_text(content.replace(mark, f"{lines}{mark}", 1), "utf-8")


_UNUSED = "There is nothing of that kind in this migration: take the comment out."


def _allowances(script: Revision) -> set[str]:
    """Return the rules that the file opts out of. Raises CommandError for one without a reason."""
    path = script.path
    matches = list(ALLOWED.finditer(path.read_text("utf-8")))
    for match in matches:
        if match["reason"] is None:
            rule = match["rule"]
            raise CommandError(
                f"{path.name} allows {rule} without a reason: # lint: allow {rule} -- <reason>"
            )
    return {match["rule"] for match in matches}


def _findings(script: Revision) -> Iterator[Finding]:
    try:
        sql = upgrade_sql(script)
    except ProjectError:  # an app is broken, which is no fault of the migration
        raise
    except Exception as error:  # noqa: BLE001 - whatever a migration does with no connection
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        message = f"It needs a database to say what it does ({reason})."
        yield Finding(NOT_OFFLINE, f"{script.revision} {script.doc}".strip(), message)
        return
    lines = sql.splitlines()
    for each in json.loads(_run_squawk(sql)):
        message = " ".join(part for part in (each["message"], each["help"]) if part)
        yield Finding(each["rule_name"], lines[each["line"]].strip(), message)


def upgrade_sql(script: Revision) -> str:
    """Return what the migration sends to the server, transactions included."""
    config = alembic_config()
    config.output_buffer = io.StringIO()
    before = script.down_revision or "base"
    command.upgrade(config, f"{before}:{script.revision}", sql=True)
    return config.output_buffer.getvalue()


def _run_squawk(sql: str) -> str:
    """Return its findings in JSON. It exits with 1 where there are any."""
    finished = subprocess.run(
        [
            _squawk(),
            "--reporter=json",
            f"--pg-version={POSTGRESQL}",
            f"--exclude={','.join(LEFT_OUT)}",
        ],
        input=sql,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if not finished.stdout.strip():
        raise CommandError(f"squawk failed: {finished.stderr.strip() or finished.returncode}.")
    return finished.stdout


def _squawk() -> str:
    """Find the program that comes with the wheel, or one on the PATH."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which("squawk", path=beside) or shutil.which("squawk")
    if found is None:
        raise CommandError("squawk is not installed: install the dev group (uv sync).")
    return found
