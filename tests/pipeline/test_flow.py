"""The flow is complete: every topic has a reader, and agents write what they say."""

import pipeline.flow
from pipeline.flow import FLOW, stages
from pipeline.settings import Settings
from schemas import topics


def test_every_topic_is_read_by_exactly_one_agent() -> None:
    assert sorted(spec.reads.name for spec in FLOW) == sorted(topic.name for topic in topics.ALL)


def test_every_topic_the_worker_writes_is_written_by_some_agent() -> None:
    written = {topic.name for spec in FLOW for topic in spec.writes}
    assert written == {topic.name for topic in topics.ALL if topic.writer == "worker"}


def test_a_stage_reads_the_topic_of_its_leg_and_has_its_name() -> None:
    made = stages(Settings({}, {}), 2)
    assert all(
        (made[spec.agent].name, made[spec.agent].source) == (spec.agent, spec.reads)
        for spec in FLOW
    )


def test_the_story_names_every_agent_and_its_topic() -> None:
    story = pipeline.flow.__doc__ or ""
    for spec in FLOW:
        assert f"`{spec.agent}` reads `{spec.reads.name.removeprefix('footfall-')}`" in story
