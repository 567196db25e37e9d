"""The use cases of the product, in one package per subject; they import only the domain."""
