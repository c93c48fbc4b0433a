import pytest

from loadtests.hosts import VARIABLE, refusal


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "127.8.8.8", "[::1]:8000"])
def test_this_machine_may_be_loaded(host: str) -> None:
    assert refusal(f"http://{host}") is None


@pytest.mark.parametrize("host", ["shop.example.com", "10.0.0.1", "localhost.example.com"])
def test_others_may_not(host: str) -> None:
    assert VARIABLE in (refusal(f"http://{host}") or "")


@pytest.mark.parametrize("address", ["http://", "127.0.0.1:8000", "http://[::1", "shop"])
def test_what_is_no_address_is_said(address: str) -> None:
    assert "is no address: --host http://127.0.0.1:8000" in (refusal(address) or "")


def test_unless_they_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "shop.example.com, 10.0.0.1")
    assert refusal("https://shop.example.com") is None
    assert refusal("https://another.example.com") is not None


def test_nobody_is_named() -> None:
    assert "--host" in (refusal(None) or "")
