from project.apps import AppConfig

app = AppConfig(label="lab")
