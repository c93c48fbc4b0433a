"""The admin: SQLAdmin's declarations and forms, on endpoints, sessions and writes of our own."""
