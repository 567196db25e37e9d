"""What lies in deploy/ fits the program, and is as closed as its page says."""

import ast
import asyncio
import json
import re
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema.validators import validator_for
from ruamel.yaml import YAML

from bot.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SCHEMA = "vendor/compose-spec.json"
COMPOSE = YAML(typ="safe").load(DEPLOY / "compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def texts() -> dict[str, str]:
    found = [path for path in DEPLOY.rglob("*") if path.is_file() and "secrets" not in path.parts]
    return {
        str(path.relative_to(ROOT)): path.read_text() for path in [*found, ROOT / "docs/deploy.md"]
    }


def test_every_setting_that_is_named_exists():
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    named = {
        (file, name)
        for file, text in texts().items()
        for name in re.findall(rf"\b{PREFIX}[A-Z0-9_]+", text)
    }
    assert len({name for _, name in named}) > 10
    assert [one for one in sorted(named) if one[1] not in known] == []


def test_the_compose_file_is_one_by_the_official_schema():
    schema = json.loads((files("check_jsonschema.builtin_schemas") / SCHEMA).read_text())
    found = validator_for(schema)(schema).iter_errors(COMPOSE)
    assert [error.message for error in found] == []


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_container_is_closed_bounded_and_started_again(name: str):
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}
    assert service["restart"] == ("no" if name == "mongodb-initiate" else "unless-stopped")
    assert not re.search(r"latest$|^[^:]+$", service["image"].replace("${IMAGE_TAG:-latest}", "1"))
    # Only the proxy is reached from outside, and what keeps data reaches nobody.
    assert ("ports" in service) == (name == "proxy")
    if re.match(r"mongodb$|nats", name):
        assert service["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_what_is_mounted_or_named_in_the_compose_file_is_there():
    secrets = {f"secrets/{name}" for name in re.findall(r"write (\S+)", texts()["deploy/prepare"])}
    assert {one["file"] for one in COMPOSE["secrets"].values()} <= secrets
    for service in SERVICES.values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert source in COMPOSE["volumes"] or (DEPLOY / source).is_file()
        for one in service.get("secrets", []):
            assert (one if isinstance(one, str) else one["source"]) in COMPOSE["secrets"]
        assert set(service.get("env_file", [])) <= secrets


def test_the_image_is_of_the_locked_and_not_run_by_root():
    text = texts()["deploy/Dockerfile"]
    final = text.rsplit("FROM", 1)[1]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", final, re.M)
    installs = re.findall(r"pip .*?install [^\n]*", text)
    assert all("--require-hashes" in one or "--no-index" in one for one in installs)
    (command,) = re.findall(r"CMD (\[\"python3\".*\])$", final, re.M)
    ast.parse(ast.literal_eval(command)[2])


def test_no_secret_is_in_an_example():
    for file, text in texts().items():
        for name, field in Settings.model_fields.items():
            if "SecretStr" in str(field.annotation):
                given = re.findall(rf"^#? ?{PREFIX}{name.upper()}=(\S+)$", text, re.M)
                assert not file.endswith(".example") or given == [], file


async def test_preparing_makes_each_secret_once_and_for_nobody_else(tmp_path: Path):
    shutil.copytree(DEPLOY, tmp_path / "deploy", ignore=shutil.ignore_patterns("secrets", ".env"))
    folder = tmp_path / "deploy/secrets"
    made: list[dict[str, str]] = []
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(tmp_path / "deploy/prepare")
        assert await process.wait() == 0
        made.append({one.name: one.read_text() for one in folder.iterdir()})
    assert made[0] == made[1]
    assert len(set(made[0].values())) == 5
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "balcao.env").stat().st_mode & 0o777 == 0o600
    password = made[0]["mongodb-balcao"].strip()
    assert f"mongodb://balcao:{password}@mongodb/" in made[0]["balcao.env"]
    assert made[0]["mongodb-admin"] not in made[0]["balcao.env"]
