"""The customer card in the attendants' groups: its text, buttons, topic and place."""
