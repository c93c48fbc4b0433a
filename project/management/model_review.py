"""What a comparison of schemas cannot know, asked of whoever makes the migration."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from project.db.migrations.backfill import fill_required_columns
from project.db.migrations.changes import describe_difference
from project.db.migrations.renames import carry_out_renames, connection_of
from project.errors import CommandError
from project.management import style
from project.management.asking import is_terminal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alembic.operations import ops
    from alembic.runtime.migration import MigrationContext

    from project.db.migrations.backfill import Required
    from project.db.migrations.renames import Rename


@dataclass
class Review:
    """The answers given on the command line, and whether there is somebody to ask for more."""

    renames: set[str]
    defaults: dict[str, str]
    may_ask: bool
    is_strict: bool = False
    """Whether a rename that nobody has answered for is refused: the migration would lose data."""
    no_renames: bool = False
    """Whether whatever could be a rename is none."""
    unanswered: list[Rename] = field(default_factory=list)
    unused: set[str] = field(default_factory=set)
    """Answers that no question was asked for; by the end there has to be none."""

    @classmethod
    def of(
        cls,
        renames: Iterable[str],
        defaults: Iterable[str],
        *,
        may_ask: bool,
        is_strict: bool = False,
        no_renames: bool = False,
    ) -> Review:
        given = dict(default.split("=", 1) for default in defaults)
        return cls(
            renames=set(renames),
            defaults=given,
            may_ask=may_ask and is_terminal(),
            is_strict=is_strict,
            no_renames=no_renames,
            unused={*renames, *given},
        )

    def settle(self, context: MigrationContext, script: ops.MigrationScript) -> list[str]:
        """Change the script as the answers say; return the changes, a sentence each.

        Raises CommandError for an answer that fits nothing, and for one that is missing.
        """
        found = carry_out_renames(context, script, self.is_rename, self.renames)
        connection_of(context).rollback()
        self._refuse_unanswered()
        upgrade, downgrade = found.script.upgrade_ops_list[-1], found.script.downgrade_ops_list[-1]
        changes = [f"rename {rename.words}" for rename in found.renames]
        changes += [describe_difference(difference) for difference in upgrade.as_diffs()]
        fill_required_columns(found.script, self.default)
        self._refuse_unused()
        script.upgrade_ops_list[-1].ops[:] = [*found.upgrade, *upgrade.ops]
        script.downgrade_ops_list[-1].ops[:] = [*downgrade.ops, *found.downgrade]
        return changes

    def is_rename(self, rename: Rename) -> bool:
        """Say whether it was meant as one."""
        if rename.option in self.renames:
            self.unused.discard(rename.option)
            return True
        if self.no_renames or any(_contradicts(rename, other) for other in self.renames):
            return False
        if self.may_ask:
            return _ask(f"{rename.question} [y/N] ").lower() in {"y", "yes"}
        if self.is_strict:
            self.unanswered.append(rename)
            return False
        fate = "stays, unused" if rename.is_table else "is dropped with its data"
        _warn(
            f"Perhaps a rename: {rename.words}. As it is, the old one {fate}; "
            f"--rename {rename.option} keeps the data."
        )
        return False

    def default(self, required: Required) -> str | None:
        """Say what a new required column holds in the rows that exist; an SQL expression."""
        self.unused.discard(required.place)
        if required.place in self.defaults:
            return self.defaults[required.place]
        what = f"{required.place} is new, NOT NULL and has no server_default"
        if self.may_ask:
            answer = _ask(
                f"{what}. Value for the rows that exist, in SQL such as 0 or '' "
                "(nothing: leave it, the migration fails where there are rows): "
            )
            return answer or None
        _warn(
            f"{what}: the migration fails where the table has rows. Give the column a "
            f"server_default, make it nullable, or say --default {required.place}=SQL."
        )
        return None

    def _refuse_unused(self) -> None:
        if self.unused:
            raise CommandError(
                f"Nothing in the models fits '{min(self.unused)}': what it names must have been "
                "removed and added. `makemigrations --dry-run` shows the changes."
            )

    def _refuse_unanswered(self) -> None:
        if self.unanswered:
            options = " or ".join(f"--rename {rename.option}" for rename in self.unanswered)
            raise CommandError(
                f"{self.unanswered[0].question} Nobody can be asked here, so nothing was "
                f"written: say {options} to keep the data, or --no-rename if it was none."
            )


def _contradicts(rename: Rename, option: str) -> bool:
    """Whether the option gives the old or the new name to something else."""
    old, new = rename.option.split(":")
    other_old, other_new = option.split(":")
    is_same_table = old.rpartition(".")[0] == other_old.rpartition(".")[0]
    return is_same_table and (old == other_old or new == other_new)


def _ask(question: str) -> str:
    try:
        return input(question).strip()
    except EOFError:
        return ""


def _warn(line: str) -> None:
    print(style.warning(f"Warning: {line}", sys.stderr), file=sys.stderr)
