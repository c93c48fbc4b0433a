from project.apps import AppConfig

app = AppConfig(
    label="users",
    title="Users",
    description="Accounts, registration, and access and refresh tokens.",
)
