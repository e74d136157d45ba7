"""What a page says about itself, one reader per kind of statement; :mod:`pipeline.metadata` weighs them."""
