from collections.abc import Iterator

from project.checks.framework import Problem, Subject, check


@check("acme_blog")
def a_blog_needs_readers(_: Subject) -> Iterator[Problem]:
    yield Problem("acme_blog.W001", "Nobody reads this blog.", hint="Advertise it.")
