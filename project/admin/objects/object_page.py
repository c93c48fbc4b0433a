"""Pages of an app's own about one row: a form, or a question with one button.

    class PasswordPage(ObjectPage):
        name, label = "password", "Change password"
        form = PasswordForm

        def save(self, session, view, row, values, principal): ...

    class UserAdmin(ModelAdmin, model=User):
        object_pages = (PasswordPage,)

It stands at `/admin/<identity>/password/<id>`, with a button on the row's other pages.
"""

from typing import Any, ClassVar

from sqlalchemy.orm import Session
from wtforms import Form

from project.i18n import mark
from project.runtime import Runtime
from project.web.principal import Principal


class ObjectPage:
    """One page. It asks for the row's permission, `rows_for` and `authorise` before all else."""

    name: ClassVar[str]
    """Its part of the address."""

    label: ClassVar[str]
    """What the button and the page are called."""

    permission: ClassVar[str] = "change"
    """Which action on the row opens it: view, change or delete."""

    explanation: ClassVar[str] = ""
    """A sentence above the form."""

    done: ClassVar[str] = mark("Done.")
    """What is said afterwards."""

    form: ClassVar[type[Form]] = Form
    """What is asked; without fields there is only the button."""

    def said_when_done(self, runtime: Runtime) -> str:  # noqa: ARG002 - for those who override this
        """Return what is said afterwards, where it depends on the settings."""
        return self.done

    def is_offered(self, runtime: Runtime, row: Any) -> bool:  # noqa: ARG002 - for those who override this
        """Whether the page makes sense for this row; where not, it is not there."""
        return True

    async def prepare_values(self, runtime: Runtime, row: Any, values: dict[str, Any]) -> None:
        """Change the values in ways that need no connection, or another lane: hash, resize.

        `row` is no longer connected to the database.
        """

    def save(
        self,
        session: Session,
        runtime: Runtime,
        row: Any,
        values: dict[str, Any],
        principal: Principal,
    ) -> None:
        """Do it; the row is locked. May raise a DomainError."""
        raise NotImplementedError
