"""tf-explain's interface: `core` explains, `callbacks` explain during `fit`, `utils` draw."""
