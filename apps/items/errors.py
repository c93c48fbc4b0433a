from project.errors import Forbidden, Invalid, NotFound


class ItemNotFound(NotFound):
    code = "item_not_found"
    title = "There is no such item"


class NotItemOwner(Forbidden):
    code = "not_item_owner"
    title = "Only its owner or staff may change an item"


class ImageNotFound(NotFound):
    code = "image_not_found"
    title = "The item has no picture"


class ImageUnreadable(Invalid):
    code = "image_unreadable"
    title = "The file is not a whole JPEG, PNG or WebP picture"


class ImageTooLarge(Invalid):
    code = "image_too_large"
    title = "The picture has too many pixels"
