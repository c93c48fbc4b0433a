"""The tasks of the installed apps, and the machinery's own."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from project.apps import Registry
from project.tasks import builtin
from project.tasks.declaring import MODULE, Task


def find_tasks(registry: Registry) -> dict[str, Task[Any]]:
    """Import every `tasks.py`; return all tasks by their names.

    Raises AppError that names the app whose file does not import or declares what cannot be.
    """
    modules = [builtin, *(module for _, module in registry.modules(MODULE))]
    return {found.name: found for module in modules for found in _tasks_in(module)}


def _tasks_in(module: ModuleType) -> Iterator[Task[Any]]:
    for value in vars(module).values():
        if isinstance(value, Task) and value.function.__module__ == module.__name__:
            yield value
