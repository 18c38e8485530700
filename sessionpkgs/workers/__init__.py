"""Other processes that should see the session's overlay. It does not know Spark, Dask or Ray yet; only children."""
