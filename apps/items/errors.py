from project.errors import Conflict, Forbidden, Invalid, NotFound


class ItemNotFound(NotFound):
    code = "item_not_found"
    title = "There is no such item"


class NameMissing(Invalid):
    code = "name_missing"
    title = "An item needs a name"
    field = "name"
    """Where the admin shows it."""


class NotItemOwner(Forbidden):
    code = "not_item_owner"
    title = "Only its owner, staff and holders of the permission may change an item"


class UnknownItem(Invalid):
    """An item named in a body, not in a path: the resource is there, the content is wrong."""

    code = "unknown_item"
    title = "There is no such item"


class OutOfStock(Conflict):
    code = "out_of_stock"
    title = "There is not enough in stock"


class ImageNotFound(NotFound):
    code = "image_not_found"
    title = "The item has no picture"


class ImageUnreadable(Invalid):
    code = "image_unreadable"
    title = "The file is not a whole JPEG, PNG or WebP picture"


class ImageTooLarge(Invalid):
    code = "image_too_large"
    title = "The picture has too many pixels"
