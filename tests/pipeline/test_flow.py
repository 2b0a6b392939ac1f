"""The flow is complete: every topic has a reader, and agents write what they say."""

import pipeline.flow
from pipeline.flow import FLOW, stages
from pipeline.settings import Settings
from schemas import topics


def test_every_topic_is_read_by_exactly_one_agent() -> None:
    assert sorted(leg.reads.name for leg in FLOW) == sorted(topic.name for topic in topics.ALL)


def test_every_topic_the_worker_writes_is_written_by_some_agent() -> None:
    written = {topic.name for leg in FLOW for topic in leg.writes}
    assert written == {topic.name for topic in topics.ALL if topic.writer == "worker"}


def test_a_stage_reads_the_topic_of_its_leg_and_has_its_name() -> None:
    made = stages(Settings({}, {}), 2)
    assert all(
        (made[leg.agent].name, made[leg.agent].source) == (leg.agent, leg.reads) for leg in FLOW
    )


def test_the_story_names_every_agent_and_its_topic() -> None:
    story = pipeline.flow.__doc__ or ""
    for leg in FLOW:
        assert f"`{leg.agent}` reads `{leg.reads.name.removeprefix('footfall-')}`" in story
