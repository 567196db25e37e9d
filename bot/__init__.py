"""The product: domain rules, use cases, runtime, wording, command line and wiring."""
