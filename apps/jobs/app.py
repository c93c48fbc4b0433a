from project.apps import AppConfig

app = AppConfig(
    label="jobs",
    title="Jobs",
    description="Shows staff what workers do, and lets them try again what failed.",
    permissions=("retry_job", "cancel_job"),
)
