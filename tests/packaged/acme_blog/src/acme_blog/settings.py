from project.app_settings import AppSettings


class BlogSettings(AppSettings):
    title: str = "The package's page"
    """Stands above the posts: ACME_BLOG_TITLE."""
