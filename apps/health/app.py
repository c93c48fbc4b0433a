from project.apps import AppConfig

app = AppConfig(
    label="health",
    title="Health",
    description="Answers whether the service lives, is ready, and reaches its database.",
)
