"""Collecting the checks of the project and of its apps, and running them."""

from collections.abc import Iterable
from types import ModuleType

from project.checks import apps, browser, database, deployment, settings, web
from project.checks.framework import Check, Problem, Subject

BUILT_IN = (settings, apps, database, web, deployment, browser)


def collect_checks(subject: Subject, *, deploy: bool = False) -> list[Check]:
    """Every check there is: the project's own first, then those of the apps in their order.

    Those for a deployment are among them only if asked for.
    """
    modules = [*BUILT_IN, *(module for _, module in subject.registry.modules("checks"))]
    # A check that one module imports from another runs once.
    found = dict.fromkeys(found for module in modules for found in _checks_in(module))
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


def _checks_in(module: ModuleType) -> list[Check]:
    return [value for value in vars(module).values() if isinstance(value, Check)]
