"""Many streams at once, on this machine's cores or a Dask cluster: a question to each, and
the answers as a Parquet data set."""
