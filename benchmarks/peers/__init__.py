"""`make peers`: tfxai beside other libraries, each in an environment of its own, in one run.

What one environment shares with another is a folder: the models, the images, the values.
"""
