"""What `startapp` writes works at once: in a copy of the project, on real databases."""

from pathlib import Path

import pytest

from tests.checkouts import fresh_checkout

APPS = {
    "blog_posts": (),
    "x_y": (),  # a name that its class, XY, does not keep
    "stories": ("--without", "api"),
    "clients": ("--without", "admin,scenario"),
    "news": ("--without", "admin,api,scenario"),
}


@pytest.mark.needs("users")
def test_new_apps_migrate_check_and_pass_their_tests(tmp_path: Path) -> None:
    with fresh_checkout(tmp_path / "a project") as copy:
        copy.succeed("migrate")
        for label, options in APPS.items():
            copy.succeed("startapp", label, *options)
        copy.succeed("makemigrations", "--name", "new apps")
        copy.succeed("migrate")
        copy.succeed("makemigrations", "--check")
        assert "no issues" in copy.succeed("check", "--fail-level", "WARNING")
        assert "/api/v1/blog_posts/{blog_post_id}" in copy.succeed("routes")
        tests = [f"tests/apps/{label}" for label in APPS]
        rules = ["tests/test_repository.py::test_app_has_tests", "tests/test_authorisation.py"]
        chosen = " or ".join([*APPS, "app_has_tests", "has_a_line"])
        words = ["-q", "-n0", "-p", "no:cacheprovider", "-k", chosen]
        assert " passed" in copy.succeed("test", *tests, *rules, *words)
