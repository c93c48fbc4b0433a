from project.apps import AppConfig

app = AppConfig(
    label="planted",
    title="Planted",
    description="Routes that are slow on purpose, one reason each.",
)
