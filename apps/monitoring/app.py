from project.apps import AppConfig

app = AppConfig(
    label="monitoring",
    title="Monitoring",
    description="Shows staff what every worker of the server is doing now.",
)
