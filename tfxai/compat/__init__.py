"""Other libraries' interfaces on tfxai's methods: changing the import is enough.

`tfxai.compat.tf_explain` stands for tf-explain 0.3.1, `tfxai.compat.alibi` for the gradients of
alibi 0.9.6. Names, signatures, shapes and defaults are theirs, and so are the values: where those
are not what the method's paper defines, one warning for each class says by what they differ, and
`exact=True` gives the paper's.
"""
