import pytest
from starlette.datastructures import Headers

from project.web.same_origin import CrossSiteWrite, refuse_other_site

OWN = "shop.example"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin", "origin": "null"},
        {"origin": "https://shop.example"},
        {"origin": "https://SHOP.example"},
        {"referer": "https://shop.example/account/reset"},
    ],
)
def test_own_site(headers: dict[str, str]) -> None:
    refuse_other_site(Headers({"host": OWN, **headers}))


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "https://shop.example"},
        {"sec-fetch-site": "nonsense"},
        {"origin": "https://evil.example"},
        {"origin": "https://shop.example.evil.example"},
        {"origin": "https://["},
        {"referer": "https://evil.example/shop.example"},
    ],
)
@pytest.mark.parametrize("may_be_opaque", [True, False])
def test_other_site(headers: dict[str, str], *, may_be_opaque: bool) -> None:
    with pytest.raises(CrossSiteWrite):
        refuse_other_site(Headers({"host": OWN, **headers}), may_be_opaque=may_be_opaque)


def test_opaque_origin() -> None:
    headers = Headers({"host": OWN, "origin": "null"})
    refuse_other_site(headers, may_be_opaque=True)
    with pytest.raises(CrossSiteWrite):
        refuse_other_site(headers)
