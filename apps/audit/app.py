from project.apps import AppConfig

app = AppConfig(
    label="audit",
    title="History",
    description="Keeps who changed what in the admin, and when: before and after, field by field.",
)
