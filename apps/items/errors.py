from project.errors import Forbidden, NotFound


class ItemNotFound(NotFound):
    code = "item_not_found"
    title = "There is no such item"


class NotItemOwner(Forbidden):
    code = "not_item_owner"
    title = "Only its owner or staff may change an item"
