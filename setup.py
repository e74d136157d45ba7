"""The compiled part; all else about the package stands in pyproject.toml.

Without a C compiler the package installs all the same, and runs on the Python code that the compiled part stands in for.
"""

from pathlib import Path

from setuptools import Extension, setup

# Every multiplication and addition is rounded by itself, as in Python: no fused ones. Nobody asks for floating-point exceptions, so
# that loops with a comparison run on several numbers at once.
FLAGS = ["-O3", "-ffp-contract=off", "-fno-trapping-math"]

setup(
    ext_modules=[
        Extension(f"pipeline.native.{path.stem}", [str(path)], optional=True, extra_compile_args=FLAGS)
        for path in sorted(Path("pipeline/native").glob("*.pyx"))
    ]
)
