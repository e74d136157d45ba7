"""From the bench to weights, figures and model card, in one command: ``python -m training``."""

from training import report, train

train.main()
report.main()
