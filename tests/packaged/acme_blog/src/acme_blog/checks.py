from collections.abc import Iterator

from project.checks.framework import Level, Problem, Subject, check


@check("acme_blog")
def a_blog_needs_readers(_: Subject) -> Iterator[Problem]:
    yield Problem("acme_blog.W001", Level.WARNING, "Nobody reads this blog.", hint="Advertise it.")
