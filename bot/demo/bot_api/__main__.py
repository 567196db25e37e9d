"""Run the emulator alone: python -m bot.demo.bot_api --port N."""

import argparse
import asyncio
import contextlib
import signal

from bot.demo.bot_api.emulator import BotApiEmulator


async def _serve(args: argparse.Namespace) -> None:
    emulator = BotApiEmulator(args.token)
    emulator.record_calls = args.record_calls
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    await emulator.start(args.host, args.port)
    print(emulator.url, flush=True)  # noqa: T201 - the caller reads the address
    print(emulator.token, flush=True)  # noqa: T201 - and the token, of which a part is drawn
    await stop.wait()
    await emulator.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bot.demo.bot_api", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one and prints it")
    parser.add_argument("--token", help="one is drawn and printed without it")
    parser.add_argument("--record-calls", action="store_true", help="keep the last calls")
    asyncio.run(_serve(parser.parse_args()))


main()
