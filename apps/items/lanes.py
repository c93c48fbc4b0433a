from project.settings import Settings
from project.web.lanes import Lane

FILES = "item_files"


def lanes(_settings: Settings) -> tuple[Lane, ...]:
    """Reading and writing pictures waits for a disk, or for a storage across the network."""
    return (Lane(FILES, size=4, queue_size=200, queue_timeout=5.0),)
