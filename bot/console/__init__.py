"""The register as a web page, a Telegram Mini App for admins (design.md, section 15)."""
