from project.apps import AppConfig

app = AppConfig(
    label="sample_things",
    title="Sample things",
    description="What this app is for, in one sentence.",
    requires=("users",),
)
