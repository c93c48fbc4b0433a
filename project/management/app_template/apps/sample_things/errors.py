from project.errors import Forbidden, Invalid, NotFound


class SampleThingNotFound(NotFound):
    code = "sample_thing_not_found"
    title = "There is no such sample thing"


class NotSampleThingOwner(Forbidden):
    code = "not_sample_thing_owner"
    title = "Only its owner, staff and holders of the permission may do this"


class TitleMissing(Invalid):
    code = "title_missing"
    title = "A title is needed"
    field = "title"
    """Where the admin shows it."""
