"""Sends a text to a person: by e-mail, or to a chat as Slack's incoming webhooks take it."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from pathlib import Path

import httpx2

from taximeter_processor.errors import TaximeterError
from taximeter_processor.people import Contact
from taximeter_processor.settings import Mail

TIMEOUT_SECONDS = 20.0


class NotSent(TaximeterError):
    """A message did not reach its channel; it may be tried again."""


def has_channel(contact: Contact) -> bool:
    """Whether a text can reach this contact: a pager takes none."""
    return bool(contact.email or contact.slack_api_url_file)


def send(contact: Contact, mail: Mail, subject: str, text: str) -> str:
    """Send by e-mail, else to the chat; returns which. Raises `NotSent` with the reason."""
    try:
        if contact.email:
            _mail(contact.email, mail, subject, text)
            return "email"
        _chat(contact, subject, text)
    except (OSError, smtplib.SMTPException, httpx2.HTTPError) as error:
        raise NotSent(f"{subject!r} was not sent: {type(error).__name__}: {error}") from error
    return "slack"


def _mail(address: str, mail: Mail, subject: str, text: str) -> None:
    message = EmailMessage()
    # A header is one line, whatever a tag holds.
    message["Subject"] = " ".join(subject.split())
    message["From"], message["To"] = mail.sender, address
    message.set_content(text)
    host, _, port = mail.smarthost.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=TIMEOUT_SECONDS) as server:
        if mail.require_tls:
            server.starttls()
        server.send_message(message)


def _chat(contact: Contact, subject: str, text: str) -> None:
    url = Path(contact.slack_api_url_file or "").read_text(encoding="utf-8").strip()
    # Tags reach this text: `<` and a fence would let one write commands such as <!channel>.
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "'")
    title = subject.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    body = {"text": f"*{title}*\n```\n{safe}```", "channel": contact.slack_channel}
    answer = httpx2.post(
        url,
        json={key: value for key, value in body.items() if value},
        timeout=TIMEOUT_SECONDS,
        trust_env=False,
    )
    answer.raise_for_status()
