"""Whom it asks: one module per ERP, over one shared HTTP client."""
