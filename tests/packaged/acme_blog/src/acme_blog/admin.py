from acme_blog.models import Post
from project.admin.views import ModelAdmin


class PostAdmin(ModelAdmin, model=Post):
    column_list = (Post.id, Post.title)


views = (PostAdmin,)
