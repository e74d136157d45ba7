"""The compiled part; all else about the package stands in pyproject.toml.

Without a C compiler the package installs all the same, and runs on the Python code that the compiled part stands in for.
"""

from setuptools import Extension, setup

NAMES = ("_walk", "_facts", "_structure")

setup(ext_modules=[Extension(f"pipeline.native.{name}", [f"pipeline/native/{name}.pyx"], optional=True) for name in NAMES])
