"""A copy of the project with a database of its own, to change models and history in."""

import os
import subprocess
from dataclasses import dataclass

from sqlalchemy import NullPool, create_engine, text

from tests.copies import ProjectCopy
from tests.processes import DEADLINE

HEAD = '"""{revision}"""\n\nimport sqlalchemy as sa\nfrom alembic import op\n\n'
IDS = 'revision = "{revision}"\ndown_revision = "{before}"\n\n\n'


@dataclass(frozen=True)
class History(ProjectCopy):
    """A copy whose models and migrations are changed; commands answer (code, out, err)."""

    def tell(self, *words: str) -> tuple[int, str, str]:
        finished = self.manage(*words)
        return finished.returncode, finished.stdout, finished.stderr

    def answer(self, typed: str, *words: str) -> tuple[int, str, str]:
        """Run a command at a terminal, at which `typed` is typed."""
        import pty  # noqa: PLC0415 - not on every platform

        keyboard, terminal = pty.openpty()
        try:
            with subprocess.Popen(
                [self.python, "manage.py", *words],
                cwd=self.root,
                env=self.environment,
                stdin=terminal,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as process:
                os.write(keyboard, typed.encode())
                out, err = process.communicate(timeout=DEADLINE)
            return process.returncode, out, err
        finally:
            os.close(keyboard)
            os.close(terminal)

    @property
    def versions(self) -> list[str]:
        return sorted(path.name for path in (self.root / "migrations/versions").glob("*.py"))

    def read_version(self, number: int) -> str:
        """The text of one migration, counted as in a list; -1 is the newest."""
        return (self.root / "migrations/versions" / self.versions[number]).read_text()

    def write_version(self, upgrade: str, downgrade: str = "pass", revision: str = "8001") -> None:
        """Write a migration by hand, behind the newest."""
        before = self.versions[-1][:4]
        script = (HEAD + IDS).format(revision=revision, before=before)
        for name, body in (("upgrade", upgrade), ("downgrade", downgrade)):
            lines = "".join(f"    {line}\n" for line in body.splitlines())
            script += f"def {name}():\n{lines}\n\n"
        (self.root / f"migrations/versions/{revision}_more.py").write_text(script)

    def execute(self, *statements: str) -> None:
        with create_engine(self.url, poolclass=NullPool).begin() as connection:
            for statement in statements:
                connection.execute(text(statement))

    def scalar(self, query: str) -> object:
        with create_engine(self.url, poolclass=NullPool).connect() as connection:
            return connection.scalar(text(query))
