"""Who is told what by the routes of this app."""

from tests.authorisation import public

ROUTES = {
    "GET /api/v1/health": public(200),
    "GET /health/live": public(200),
    "GET /health/ready": public(200),
}
