"""The URL of a log → its Producer."""

from pathlib import Path
from typing import Any

from collectors.config import CollectorConfig
from collectors.errors import LogMismatch
from collectors.producers.base import GroupCommit, NullWriter
from collectors.producers.embedded import open_embedded
from schemas.store_urls import EmbeddedLog, KafkaLog, log_url


async def open_producer(config: CollectorConfig, **options: Any) -> GroupCommit:
    """The log's Producer, ready. Raises Overloaded (try again) or LogMismatch (settings)."""
    try:
        log = log_url(config.log)
    except ValueError as error:
        raise LogMismatch(str(error)) from None
    if isinstance(log, EmbeddedLog):
        where = (Path(log.directory), config.partitions, config.clock, config.disk_reserve)
        return await open_embedded(*where, **options)
    if isinstance(log, KafkaLog):
        from collectors.producers.kafka import open_kafka

        return await open_kafka(log.servers, config.partitions, **options)
    return GroupCommit(NullWriter(), config.partitions, **options)
