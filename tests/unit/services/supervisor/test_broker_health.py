"""How long a start waits for a historian that reads everything anew."""

from services.supervisor.broker.health import READ_ON_MESSAGES, CatchUpStatus


def test_a_long_stream_is_waited_for_and_a_trickle_is_not() -> None:
    """Basal goes on while one service ends again and again: that start must be refused."""
    reading = CatchUpStatus()

    seen = [reading.goes_on(handled) for handled in (0, 5, READ_ON_MESSAGES, READ_ON_MESSAGES + 9)]

    assert [False, False, True, False] == seen
    assert reading.goes_on(2 * READ_ON_MESSAGES)


def test_a_historian_that_begins_anew_is_not_taken_for_one_that_goes_on() -> None:
    """Its count begins at nothing with each process."""
    reading = CatchUpStatus()

    assert reading.goes_on(5 * READ_ON_MESSAGES)
    assert not reading.goes_on(2 * READ_ON_MESSAGES)
