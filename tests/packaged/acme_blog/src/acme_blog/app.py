from project.apps import AppConfig

app = AppConfig(label="acme_blog", title="Blog", description="Posts, by Acme.")
