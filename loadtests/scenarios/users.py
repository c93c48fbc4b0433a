import secrets

from loadtests.scenario import Scenario, Visitor, journey


class Users(Scenario):
    """What people do with their accounts: mostly look, seldom open one."""

    weight = 2

    @journey(weight=10, signed_in=True)
    def look(self, visitor: Visitor) -> None:
        me = visitor.get("/api/v1/users/me")
        visitor.get("/api/v1/users/{user_id}", user_id=me["id"])
        visitor.get("/api/v2/users/me")

    @journey(weight=3, signed_in=True)
    def rename(self, visitor: Visitor) -> None:
        name = f"Visitor {secrets.token_hex(4)}"
        visitor.patch("/api/v1/users/me", json={"full_name": name})

    @journey(weight=1, signed_in=True)
    def sign_in(self, visitor: Visitor) -> None:
        """Checking a password is meant to be slow, and has a lane of its own."""
        with visitor.signing_in() as headers:
            visitor.get("/api/v1/users/me", headers=headers)

    @journey(weight=1)
    def register(self, visitor: Visitor) -> None:
        email = f"passer-by-{secrets.token_hex(12)}@example.com"
        person = {"email": email, "password": secrets.token_urlsafe(24)}
        visitor.post("/api/v1/users/", json=person, expect=201)
