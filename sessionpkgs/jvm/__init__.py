"""The JVM half: jars and Spark settings. It starts no JVM itself."""
