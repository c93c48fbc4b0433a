from project.apps import AppConfig

app = AppConfig(
    label="throttling",
    title="Throttling",
    description="Counts, across all workers, how often somebody signs in or calls.",
)
