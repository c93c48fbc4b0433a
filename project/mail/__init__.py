"""Mail that leaves: after the commit, in a thread of its own, and never twice for one attempt.

message.py   what a mail is; no line break gets into its header
rendering.py a mail from `templates/mails/`
places.py    what `MAIL_URL` says
mailers.py   who takes mail: the console, a folder, memory; `create_mailer`
smtp.py      a server that speaks SMTP
outbox.py    mail that waits for its turn, so that nobody waits for a server
sealed.py    a mail as text that only this project can read
posting.py   a mail that leaves with its transaction: by the outbox, or as a task
"""
