"""A model's config: what it names, judged by its place, and the layers that it describes."""
