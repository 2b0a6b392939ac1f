"""Two logs, one contract: Apache Kafka and an embedded log on SQLite, both as Faust transports."""
