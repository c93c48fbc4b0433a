"""Mails from templates: `templates/mails/<name>.txt`, and beside it, if it is there, `.html`."""

from jinja2 import TemplateNotFound

from project.mail.message import InvalidMessage, Message
from project.templating import Templates


def render_mail(templates: Templates, name: str, to: str, /, **context: object) -> Message:
    """Fill in a mail to one address.

    The text extends `mails/base.txt` and has the blocks `subject`, which becomes one line, and
    `text`. Raises jinja2.TemplateNotFound, jinja2.UndefinedError for a missing variable, and
    InvalidMessage for a text without a subject or an address that is none.
    """
    file = f"mails/{name}.txt"
    template = templates.environment.get_template(file)
    if "subject" not in template.blocks:
        raise InvalidMessage(f"templates/{file} has no {{% block subject %}}.")
    subject = "".join(template.blocks["subject"](template.new_context(context)))
    return Message(
        to=(to,),
        subject=" ".join(subject.split()),
        text=f"{template.render(context).strip()}\n",
        html=_html(templates, name, context),
    )


def _html(templates: Templates, name: str, context: dict[str, object]) -> str | None:
    try:
        template = templates.environment.get_template(f"mails/{name}.html")
    except TemplateNotFound as error:
        if error.name != f"mails/{name}.html":
            raise
        return None
    return template.render(context)
