"""ERP adapters: one module per ERP, over one shared HTTP client."""
