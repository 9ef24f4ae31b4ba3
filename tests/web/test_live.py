"""Events as they happen: what a stream sends, how it goes on after a break, and that it costs nobody anything."""

from __future__ import annotations

from contextlib import ExitStack

from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.config import Config
from kms_mock.server import live
from tests.support.control import control_request, exchange
from tests.support.secrets import create, value
from tests.support.web import EventStream, request_path


def test_a_call_comes_as_it_happens(kms: KmsMock, client: Client) -> None:
    """With what it changed, its secrets masked, and how things stand after it."""
    with EventStream(kms) as stream:
        assert stream.response.getheader("Content-Type") == "text/event-stream"
        assert stream.response.getheader("Cache-Control") == "no-store"
        assert stream.next_event("state")["count"] == 0
        create(client, "db", "hunter2hunter2")
        event = stream.next_event("calls")
        (call,) = event["calls"]
        assert (call["action"], call["resource"], call["changes"]) == ("CreateSecret", "db", ["created secret db"])
        assert (call["parameters"]["SecretData"], event["skipped"]) == ("***", 0)
        assert stream.next_event("state")["count"] == 1


def test_a_stream_goes_on_where_it_broke_off(kms: KmsMock, client: Client) -> None:
    """After the number in the query, or in Last-Event-ID, which counts more: a browser sends that by itself."""
    create(client, "a", "x")
    create(client, "b", "x")
    create(client, "c", "x")
    for query, headers, numbers in (
        ("", {}, [1, 2, 3]),
        ("?since=1", {}, [2, 3]),
        ("?since=0", {"Last_Event_ID": "2"}, [3]),
        ("?since=99", {}, [1, 2, 3]),  # of a server that was here before
        ("?since=-5", {}, [1, 2, 3]),
        ("", {"Last_Event_ID": "another-run.3"}, [1, 2, 3]),
    ):
        with EventStream(kms, query, **headers) as stream:
            assert [call["number"] for call in stream.next_event("calls")["calls"]] == numbers


def test_a_browser_goes_on_with_the_id_of_the_last_event(kms: KmsMock, client: Client) -> None:
    """It names the server and the number of the call: after it the next ones come, from this server alone."""
    create(client, "a", "x")
    with EventStream(kms) as stream:
        run = stream.next_event("state")["run"]
    create(client, "b", "x")
    with EventStream(kms, Last_Event_ID=f"{run}.1") as stream:
        assert [call["number"] for call in stream.next_event("calls")["calls"]] == [2]


def test_what_moves_the_rest_is_told(kms: KmsMock, client: Client) -> None:
    """The clock, forgotten calls, and requests to the control API that may have changed something."""
    create(client, "a", "x")
    with EventStream(kms) as stream:
        first = stream.next_event("state")
        control_request(kms, "PUT", "clock", {"freeze": True, "set": "2030-01-01"})
        moved = stream.next_event("state")
        assert (moved["now"], moved["tick_rate"]) == ("2030-01-01T00:00:00Z", 0)
        assert moved["changes"] == first["changes"] + 1
        control_request(kms, "DELETE", "requests")
        assert stream.next_event("state")["oldest"] == 2
        kms.clock.advance("1d")  # the handle's own doing
        assert stream.next_event("state")["now"] == "2030-01-02T00:00:00Z"


def test_a_flood_is_cut(kms: KmsMock, client: Client) -> None:
    """In one look at most so many calls, the newest; how many others there were is told."""
    create(client, "a", "x")
    for _ in range(300):
        value(client, "a")
    with EventStream(kms) as stream:
        event = stream.next_event("calls")
    assert len(event["calls"]) + event["skipped"] == 301
    assert (len(event["calls"]), event["calls"][-1]["number"]) == (250, 301)


def test_streams_are_bounded(kms: KmsMock) -> None:
    """Beyond the limit a sentence; a stream that was closed makes room; HEAD opens none."""
    assert request_path(kms, "/_kms_mock/events", "HEAD").status == 200
    with ExitStack() as stack:
        streams = [stack.enter_context(EventStream(kms)) for _ in range(live.MAX_STREAMS)]
        for stream in streams:
            stream.next_event("state")
        status, _, answer = exchange(kms, "GET", "events")
        assert (status, "32 streams" in answer["error"]) == (409, True)
    while True:  # the others end with what they send next
        with EventStream(kms) as again:
            if again.response.status == 200:
                assert again.next_event("state")["count"] == 0
                break
            assert again.response.status == 409


def test_a_wrong_number_is_refused(kms: KmsMock) -> None:
    """As everywhere in the control API."""
    assert exchange(kms, "GET", "events?since=x")[0] == 400
    assert exchange(kms, "GET", "events", Last_Event_ID="x")[0] == 400


def test_a_server_stops_with_open_streams() -> None:
    """At once; who listened sees the end."""
    with KmsMock() as kms:
        stream = EventStream(kms)
        stream.next_event("state")
    with stream:
        assert list(stream.lines())[-1:] in ([], [""])


def test_without_a_journal_the_clock_still_comes() -> None:
    """`journal=0` keeps no calls, so none are sent; their number is."""
    with KmsMock(config=Config(journal=0)) as kms, EventStream(kms) as stream:
        stream.next_event("state")
        create(kms.client(), "a", "x")
        event = stream.next_event("state")
        assert (event["count"], event["oldest"]) == (1, 2)
