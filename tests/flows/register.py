"""The register in the admin's chat."""

from tests.flows.admin import Admin


async def add(admin: Admin, name: str, document: str, *kinds: str) -> None:
    await admin.says("/clientes")
    await admin.presses("➕")
    await admin.says(name)
    await admin.says(document)
    for kind in kinds or ("Cliente",):
        await admin.presses(f"◻️ {kind}")
    await admin.presses("Continuar")
    await admin.presses("Continuar")
    await admin.presses("Enviar")
