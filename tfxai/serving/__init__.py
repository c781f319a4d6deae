"""A server for exports, and a sidecar for a TensorFlow Serving: `tfxai serve`.

Nothing here imports TensorFlow but `versions.py` and `loading.py`, which serve a folder.
"""
