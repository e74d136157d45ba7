"""The compiled part; all else about the package stands in pyproject.toml.

Without a C compiler the package installs all the same, and runs on the Python code that the compiled part stands in for.
"""

from setuptools import Extension, setup

setup(ext_modules=[Extension("pipeline.native._walk", ["pipeline/native/_walk.pyx"], optional=True)])
