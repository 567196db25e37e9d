"""Files on the command line: the file to import and its columns, and the saved files of jobs."""

import asyncio
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from bot.domain.columns import (
    FILE_COLUMNS,
    Column,
    Doubt,
    assign,
    header_key,
    is_usable,
    known_field,
)
from bot.domain.encodings import encoding_named
from bot.domain.errors import RefusedError
from bot.domain.export import EXPORT_COLUMNS
from bot.domain.fields import PASSWORD, UPDATABLE, stored_path
from bot.domain.file_refusal import FileRefused
from bot.domain.file_shape import Inspected, Reading
from bot.domain.job import Source
from bot.domain.row import ACCEPTED
from bot.runtime.files.table import inspect
from bot.usecases.ports import JobFiles
from bot.wording.reasons import describe_file

IGNORE: Final = "ignorar"


def read_reading(encoding: str | None, quotes: str | None, sheet: str | None) -> Reading:
    """Return the answers on how to read the file. Raises RefusedError."""
    named = encoding and encoding_named(encoding)
    if encoding and not named:
        raise RefusedError(
            f"--encoding: não conheço “{encoding}”; use utf-8, cp1252, cp850, mac, utf-16, ou "
            "utf-8-2x para consertar UTF-8 lido duas vezes."
        )
    if quotes not in (None, "text", "cell"):
        raise RefusedError("--quotes: use text (a aspa é texto) ou cell (é uma célula).")
    return Reading.model_validate({"encoding": named, "quotes": quotes, "sheet": sheet})


def read_accepted(text: str | None) -> frozenset[str]:
    """Return the kinds of problem with which rows enter. Raises RefusedError."""
    names = frozenset(_names(text, "--accept")) if text is not None else frozenset()
    if unknown := names - ACCEPTED.keys():
        raise RefusedError(
            f"--accept: não conheço “{min(unknown)}”; use um ou mais de: {', '.join(ACCEPTED)}."
        )
    return names


async def inspected(
    path: Path, report: Callable[[int], None], reading: Reading | None = None
) -> Inspected:
    """Return what the file holds; `report` is called in a thread with the number of rows so far.

    Raises RefusedError with a sentence for people.
    """
    await asyncio.to_thread(_refuse_unreadable, path)
    try:
        return await inspect(path, name=path.name, reading=reading, report=report)
    except FileRefused as error:
        raise RefusedError(describe_file(error)) from error


def _refuse_unreadable(path: Path) -> None:
    try:
        if path.is_dir():
            raise RefusedError(f"{path} é uma pasta. Dê o nome de um arquivo.")
        if path.exists() and not path.is_file():
            raise RefusedError(f"{path} não é um arquivo que se possa ler do começo ao fim.")
        path.open("rb").close()
    except FileNotFoundError as error:
        raise RefusedError(f"Não encontro o arquivo {path}. Confira o nome.") from error
    except OSError as error:
        raise RefusedError(f"Não consigo ler {path}. Confira a permissão.") from error


def chosen_columns(
    columns: tuple[Column, ...], choices: Sequence[str], *, ignore_unknown: bool
) -> tuple[Column, ...]:
    """Return the columns after the choices, each as `Coluna=campo`; doubts may be left.

    Raises RefusedError with a sentence for people.
    """
    taken: set[str] = set()
    for choice in choices:
        name, _, wanted = choice.rpartition("=")
        if not name.strip():
            raise RefusedError(
                f'--column {choice}: escreva a coluna e o campo, como "Fone 2=celular" ou '
                f'"4=celular"; para não importar a coluna, "4={IGNORE}".'
            )
        path = None if header_key(wanted) == IGNORE else _path(wanted, "--column")
        if path in taken:
            raise RefusedError(f"--column: o campo {wanted.strip()} foi dado a duas colunas.")
        columns = assign(columns, _place(columns, name.strip()), path)
        if path is not None:
            taken.add(path)
            # A person who says that one of two columns is the field has also said that the other
            # one is not.
            columns = tuple(
                replace(one, doubt=None)
                if one.doubt is Doubt.DUPLICATE and known_field(one.header) == path
                else one
                for one in columns
            )
    if ignore_unknown:
        columns = tuple(
            replace(one, doubt=None) if one.doubt in (Doubt.UNKNOWN, Doubt.UNNAMED) else one
            for one in columns
        )
    return columns


def refuse_unusable(columns: Sequence[Column]) -> None:
    """Raise RefusedError when no column could identify a person."""
    if not is_usable(columns):
        raise RefusedError(
            "Nenhuma coluna é o nome nem o CPF ou CNPJ, e sem isso nenhuma linha vale. Diga qual "
            'é, pelo número: --column "1=Nome".'
        )


def _place(columns: Sequence[Column], name: str) -> int:
    key = header_key(name)
    named = [
        column.index
        for column in columns
        if column.header == name or (key and header_key(column.header) == key)
    ]
    if len(named) > 1:
        places = ", ".join(str(place + 1) for place in named)
        raise RefusedError(
            f"--column: as colunas {places} se chamam “{name}”. Diga qual é, pelo número."
        )
    if not named and name.isdecimal() and 1 <= int(name) <= len(columns):
        return int(name) - 1
    if not named:
        raise RefusedError(
            f"--column: o arquivo não tem a coluna “{name}”; são {len(columns)} colunas, que "
            "também podem ser ditas pelo número."
        )
    return named[0]


def update_fields(text: str | None, columns: Sequence[Column]) -> frozenset[str]:
    """Return the fields that an update may touch: the named ones, else all that the file has."""
    has = {stored_path(column.field) for column in columns if column.field}
    if text is None:
        return frozenset(has & set(UPDATABLE))
    fields = set()
    for name in _names(text):
        path = stored_path(_path(name, "--fields"))
        if path not in UPDATABLE:
            raise RefusedError(f"--fields: {name} não muda em um cadastro que já existe.")
        if path not in has:
            raise RefusedError(f"--fields: o arquivo não tem a coluna {name}.")
        fields.add(path)
    return frozenset(fields)


def export_paths(text: str | None) -> tuple[str, ...]:
    """Return the fields of an export in the order in which they are named; without names, all."""
    if text is None:
        return tuple(EXPORT_COLUMNS.values())
    paths = [_path(name, "--fields") for name in _names(text)]
    if PASSWORD in paths:
        raise RefusedError("--fields: senhas não saem do cadastro; só se guarda o resumo delas.")
    return tuple(dict.fromkeys(paths))


def _names(text: str, option: str = "--fields") -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        example = "phone,email" if option == "--accept" else "celular,email"
        raise RefusedError(f"{option}: escreva os campos separados por vírgula: {example}")
    return names


def _path(name: str, option: str) -> str:
    key = header_key(name)
    for header, path in FILE_COLUMNS.items():
        if header_key(header) == key:
            return path
    ignore = f", {IGNORE}" if option == "--column" else ""
    raise RefusedError(
        f"{option}: não conheço o campo “{name.strip()}”. Os campos são: "
        f"{', '.join(FILE_COLUMNS)}{ignore}."
    )


def refuse_as_target(path: Path, *, force: bool = False) -> None:
    """Raise RefusedError when no file can be written there, or when one exists and `force` is not
    set."""
    if path.is_dir():
        raise RefusedError(f"{path} é uma pasta. Dê o nome do arquivo a criar.")
    if path.exists() and not force:
        raise RefusedError(f"{path} já existe, e não é sobrescrito. Escolha outro nome.")
    parent = path.parent
    if not parent.is_dir():
        raise RefusedError(f"A pasta {parent} não existe.")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise RefusedError(f"Não consigo gravar na pasta {parent}. Confira a permissão.")


async def save(
    files: JobFiles, results: Sequence[Source], path: Path, *, force: bool = False
) -> list[Path]:
    """Save the files; return their paths: `path`, or names after it for an archive or several
    parts.

    Each file is written whole or not at all, and only the user who runs the command can read it.
    Raises RefusedError.
    """
    targets = _targets(results, path)
    for target in targets:
        refuse_as_target(target, force=force)
    for result, target in zip(results, targets, strict=True):
        handle, name = tempfile.mkstemp(prefix=".balcao-", dir=target.parent)
        os.close(handle)
        unfinished = Path(name)
        try:
            await files.fetch(result.file_id, unfinished)
            await asyncio.to_thread(unfinished.replace, target)
        finally:
            await asyncio.to_thread(unfinished.unlink, missing_ok=True)
    return targets


def _targets(results: Sequence[Source], path: Path) -> list[Path]:
    endings = [
        ".csv.zip" if result.name.endswith(".csv.zip") else Path(result.name).suffix
        for result in results
    ]
    if endings == [path.suffix.lower()]:
        return [path]
    stem = path.name.removesuffix(path.suffix)
    if len(endings) == 1:
        return [path.with_name(stem + endings[0])]
    return [path.with_name(f"{stem}-{n}{ending}") for n, ending in enumerate(endings, 1)]
