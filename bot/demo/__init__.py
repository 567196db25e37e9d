"""The offline demo: emulators of the Bot API and of an ERP, and the demo page."""
