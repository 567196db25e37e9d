"""Certificates of ERPs: those that an operator trusts, and what is wrong with one that is not."""

import ssl
from pathlib import Path
from typing import Final

import aiohttp

from bot.domain.errors import Problem, RefusedError

# Codes of OpenSSL (X509_V_ERR_*): its texts change with its version.
_MEANINGS: Final = {
    **dict.fromkeys(
        # No issuer found, self-signed, self-signed in the chain, cannot verify the first one.
        (2, 18, 19, 20, 21),
        (Problem.ERP_CERTIFICATE, "the certificate is self-signed, or signed by nobody we know"),
    ),
    **dict.fromkeys(
        (9, 10),
        (Problem.ERP_CERTIFICATE_DATE, "the certificate has expired or is not valid yet"),
    ),
    **dict.fromkeys(
        (62, 64),
        (Problem.ERP_CERTIFICATE_NAME, "the certificate is that of another address"),
    ),
}


def trusting(ca_file: Path) -> ssl.SSLContext:
    """Return a context that trusts the certificates of this PEM file and the usual ones.

    Raises RefusedError when the file cannot be read or holds none.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise RefusedError("The certificates in ERP_CA_FILE cannot be read") from error
    context.load_default_certs()
    # So the ERP's own certificate is enough, whoever has signed it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def refused_certificate(
    label: str, error: aiohttp.ClientConnectorCertificateError
) -> RefusedError:
    """Return the error for a certificate that is not trusted, with the reason."""
    code = getattr(error.certificate_error, "verify_code", None)
    problem, text = _MEANINGS.get(
        code or 0, (Problem.ERP_CERTIFICATE, "the certificate is not trusted")
    )
    return RefusedError(f"{label}: no trusted TLS connection: {text}", problem=problem)
