"""A server with TLS in front of another one, and certificates that are made for a test."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from yarl import URL

_KEY: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True, slots=True)
class Certificate:
    """The PEM files of a certificate and of its key."""

    file: Path
    key: Path


def make_certificate(
    folder: Path, name: str, *, host: str = "127.0.0.1", signed_by: Certificate | None = None
) -> Certificate:
    """Return a new certificate for the host, self-signed unless another one signs it."""
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    by = ("-CA", signed_by.file, "-CAkey", signed_by.key) if signed_by else ()
    extras = (f"subjectAltName=IP:{host}", *(("basicConstraints=CA:FALSE",) if signed_by else ()))
    _openssl(
        *("req", "-x509", *_KEY, "-days", "2", "-subj", f"/CN={name}", *by),
        *(part for extra in extras for part in ("-addext", extra)),
        *("-keyout", made.key, "-out", made.file),
    )
    return made


def make_expired(folder: Path, name: str) -> Certificate:
    """Return a self-signed certificate that ended yesterday."""
    made = make_certificate(folder, name)
    request = folder / f"{name}.csr"
    address = "subjectAltName=IP:127.0.0.1"
    ask = ("req", "-new", "-key", made.key, "-subj", f"/CN={name}", "-addext", address)
    _openssl(*ask, "-out", request)
    sign = ("x509", "-req", "-copy_extensions", "copy", "-in", request, "-signkey", made.key)
    _openssl(*sign, "-days", "-1", "-out", made.file)
    return made


@asynccontextmanager
async def with_tls(url: str, certificate: Certificate) -> AsyncIterator[str]:
    """Yield the address of a server with this certificate that passes all on to `url`."""
    behind = URL(url)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(behind.host, behind.port)
        passing = [
            asyncio.create_task(_pass(reader, forth)),
            asyncio.create_task(_pass(back, writer)),
        ]
        await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        for task in passing:
            task.cancel()
        for end in (writer, forth):
            end.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file, certificate.key)
    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as listening:
        yield f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while part := await reader.read(65_536):
        writer.write(part)
        await writer.drain()


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(  # noqa: S603
        ("openssl", *arguments),  # noqa: S607
        check=True,
        capture_output=True,
    )
