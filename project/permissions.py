"""What can be permitted: `<app>.<action>_<model>`, derived from the installed apps' models.

There is no table of permissions to be kept in step. A grant is a name in a row; what a name
means is known here, from the code that is installed. Names of apps that are gone permit nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from project.apps import AppConfig, Registry
from project.db.base import ACTIONS, Base, snake_case
from project.errors import AppError


@dataclass(frozen=True)
class Permissions:
    """All permissions of the installed apps."""

    names: Mapping[str, tuple[str, ...]]
    """By the title of the app; in the apps' order, models by name."""

    labels: Mapping[type, str]
    """The label of the app that a model belongs to."""

    @classmethod
    def of(cls, registry: Registry) -> "Permissions":
        """Collect them; the models have been imported."""
        names, labels = {}, {}
        for app in registry:
            models = _models_of(app)
            labels.update(dict.fromkeys(models, app.label))
            own = [_name(app.label, action, m) for m in models for action in m.__actions__]
            own += [f"{app.label}.{extra}" for extra in app.permissions]
            if own:
                names[app.title or app.label] = tuple(own)
        return cls(names, labels)

    def __iter__(self) -> Iterator[str]:
        return (name for names in self.names.values() for name in names)

    def __contains__(self, name: object) -> bool:
        return any(name in names for names in self.names.values())

    def name_of(self, model: type, action: str) -> str | None:
        """Return what an action on a model is called; None if nobody can be permitted it."""
        label = self.labels.get(model)
        if label is None or action not in getattr(model, "__actions__", ()):
            return None
        return _name(label, action, model)

    def label_of(self, model: type[Base]) -> str:
        """Return what a model is called everywhere: `items.item`, or its table's name."""
        label = self.labels.get(model)
        return model.__tablename__ if label is None else f"{label}.{snake_case(model.__name__)}"

    def require(self, name: str, place: str) -> None:
        """Raise AppError, which names the place and a near name, for a permission unknown here."""
        if name not in self:
            raise AppError(f"{place} asks for the permission '{name}': {self.advise(name)}")

    def advise(self, name: str) -> str:
        """Say what to do about a name that is none."""
        near = get_close_matches(name, list(self), n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        return f"no installed app has it.{hint}"


def describe(name: str) -> str:
    """Write a permission for people: `orders.change_order_line` is `Change order line`."""
    return name.partition(".")[2].replace("_", " ").capitalize()


def name_rows(model: str) -> str:
    """Write what rows are permitted for people; one word for an action and a model would be two.

    `order_line` is `Order line`, but `change`, of the history, is `Change (rows)`.
    """
    name = model.replace("_", " ").capitalize()
    return f"{name} (rows)" if model in ACTIONS else name


def _models_of(app: AppConfig) -> list[type[Base]]:
    modules = f"{app.package}.models"
    found = (mapper.class_ for mapper in Base.registry.mappers)
    own = [m for m in found if m.__module__ == modules or m.__module__.startswith(f"{modules}.")]
    return sorted(own, key=lambda model: snake_case(model.__name__))


def _name(label: str, action: str, model: type) -> str:
    return f"{label}.{action}_{snake_case(model.__name__)}"
