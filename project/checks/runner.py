"""Collecting the checks of the project and of its apps, and running them."""

import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from types import ModuleType

from project.checks import (
    apps,
    browser,
    capacity,
    database,
    deployment,
    framework,
    replica,
    settings,
    silence,
    tasks,
    web,
)
from project.checks.framework import ID, Check, Problem, Subject

BUILT_IN = (
    *(settings, silence, apps, database, replica, tasks),
    *(web, deployment, capacity, browser),
)
WRITTEN_ID = re.compile(rf'"({ID.pattern})"')


def collect_checks(subject: Subject, *, deploy: bool = False) -> list[Check]:
    """Every check there is: the project's own first, then those of the apps in their order.

    Those for a deployment are among them only if asked for.
    """
    # A check that one module imports from another runs once.
    found = dict.fromkeys(found for module in _modules(subject) for found in _checks_in(module))
    return [check for check in found if deploy or not check.is_for_deployment]


def run_checks(
    subject: Subject, tags: Iterable[str] = (), *, deploy: bool = False
) -> list[Problem]:
    """Run the checks with these tags (all without any); the worst problems come first."""
    wanted = set(tags)
    problems = [
        problem
        for found in collect_checks(subject, deploy=deploy)
        if not wanted or found.tag in wanted
        for problem in found(subject)
    ]
    return sorted(problems, key=lambda problem: (-problem.level, problem.id, problem.obj))


def known_ids(subject: Subject) -> set[str]:
    """Return the ids that problems may have: those written in the modules that checks are of."""
    origins = [found.look.__module__ for found in collect_checks(subject, deploy=True)]
    modules = {framework, *_modules(subject), *(sys.modules[name] for name in origins)}
    return {found[1] for module in modules for found in WRITTEN_ID.finditer(_source(module))}


def _modules(subject: Subject) -> Iterator[ModuleType]:
    yield from BUILT_IN
    yield from (module for _, module in subject.registry.modules("checks"))


def _source(module: ModuleType) -> str:
    try:
        return inspect.getsource(module)
    except OSError:  # it is installed without
        return ""


def _checks_in(module: ModuleType) -> list[Check]:
    return [value for value in vars(module).values() if isinstance(value, Check)]
