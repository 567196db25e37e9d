"""An album of photos and videos."""

from bot.demo.bot_api.writing import Attached

ALBUM = [
    Attached("photo" if n % 2 else "video", f"{n}".encode(), caption="" if n else "Veja")
    for n in range(4)
]
