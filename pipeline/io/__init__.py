"""Input readers and the Parquet writer: the only place where files are opened."""
