"""What an app offers to do with rows of a list: Django's admin actions.

    class UserAdmin(ModelAdmin, model=User):
        actions = ("deactivate",)

        @action(label="Deactivate", confirm="Whoever is not active is signed out.")
        def deactivate(self, session, actor, rows, values):
            for row in rows:
                services.change_user(session, user=row, changes={"is_active": False})
            return len(rows)

The rows are locked, in the order of their keys, and `authorise` has been asked about each. What
the action changes in them gets into the history by itself, in the same transaction. It returns
how many rows it changed, or a sentence; many rows come in several calls. `Refused`, or any other
DomainError, undoes all of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from wtforms import Form

from project.admin.form_language import speaking
from project.errors import Conflict
from project.i18n import gettext

Perform = Callable[..., int | str]
F = TypeVar("F", bound=Callable[..., int | str])

ATTRIBUTE = "__admin_action__"
CHANGE = "change"


class Refused(Conflict):
    """An action does nothing at all, because of some rows: a sentence for each of them."""

    code = "action_refused"
    title = "Nothing was done"

    def __init__(self, *sentences: str) -> None:
        super().__init__(" ".join(sentences) or None)
        self.sentences = sentences


@dataclass(frozen=True)
class Declared:
    """What the decorator was told."""

    label: str
    permission: str = CHANGE
    confirm: str = ""
    form: type[Form] | None = None
    buttons: tuple[str, str] = ("", "")
    """What is pressed to do it to one row, and to many; without, the label."""

    applies: Callable[[Any], bool] | None = None
    """Whether it makes sense for a row."""


@dataclass(frozen=True)
class Action:
    """An action of a view, ready to be called: `perform(session, actor, rows, values)`."""

    name: str
    told: Declared
    perform: Perform

    @property
    def label(self) -> str:
        """What the button says."""
        return gettext(self.told.label)

    def button(self, rows: int) -> str:
        """What the button says that does it to so many rows."""
        text = self.told.buttons[0 if rows == 1 else 1]
        return gettext(text) if text else self.label.rstrip("… ")

    def applies_to(self, row: Any) -> bool:
        """Whether the pages of a row have a button for it."""
        return self.told.applies is None or self.told.applies(row)

    @property
    def asks(self) -> bool:
        """Whether a page comes in between: with a form, or with a question."""
        return self.told.form is not None or bool(self.told.confirm)

    @property
    def row_action(self) -> str:
        """What `authorise` is asked about each row."""
        permission = self.told.permission
        return permission if permission in {"change", "delete"} else CHANGE


def action(
    *,
    label: str,
    permission: str = CHANGE,
    confirm: str = "",
    form: type[Form] | None = None,
    button: str | tuple[str, str] = "",
    applies: Callable[[Any], bool] | None = None,
) -> Callable[[F], F]:
    """Offer a method of a view as an action.

    `permission` is `view`, `add`, `change`, `delete`, or a full name like `orders.refund_order`;
    `confirm` is what a page says that asks first; `form` is a WTForms class, whose data is the
    method's `values`; `button` is what is pressed on that page and on a row's own, for one row or
    for one and for many. `applies` says of a row whether its pages offer the action at all; who
    asks for it nevertheless, of a list or too late, is answered by the method.
    """
    buttons = (button, button) if isinstance(button, str) else button
    told = Declared(label, permission, confirm, form, buttons, applies)

    def mark(method: F) -> F:
        setattr(method, ATTRIBUTE, told)
        return method

    return mark


def find_actions(view: Any, names: Sequence[str]) -> list[Action]:
    """Find the methods that these names mean. Raises LookupError for what is no action."""
    found = []
    for name in names:
        method = getattr(view, name, None)
        told = getattr(method, ATTRIBUTE, None)
        if method is None or told is None:
            raise LookupError(name)
        form = None if told.form is None else speaking(told.form)
        found.append(Action(name, replace(told, form=form), method))
    return found
