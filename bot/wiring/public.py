"""What is served at the public address, and nothing else: the webhook, and the console."""

from aiohttp import web

from bot.runtime.updates.webhook import Webhook


def public_app(webhook: Webhook | None, console: web.Application | None) -> web.Application | None:
    """Return what the public port serves, or None if that is nothing."""
    if webhook is None:
        return console
    app = web.Application() if console is None else console
    # Before what the console says to every answer, and counts of every address.
    app.middlewares.insert(0, webhook.middleware)
    return app
