"""One messages call, from its arrival to the last byte of its answer. `Exchange.carry` reads it aloud."""

import asyncio
import math
from collections.abc import Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

import msgspec

from seawall.causes.cause import Hold, lookup
from seawall.causes.evidence import Evidence, Fault, Phase, by_api
from seawall.causes.match import UNKNOWN
from seawall.gateway.admission import Gate, Permit
from seawall.gateway.call import Call
from seawall.gateway.means import Means
from seawall.gateway.memory import Kept
from seawall.gateway.places import Place
from seawall.gateway.records import LaneKey, client_name, utc_offset
from seawall.gateway.relay import Relay, Stage, Told
from seawall.http.connection import UpstreamConnection
from seawall.http.dial import DialError
from seawall.http.head import AnswerHead
from seawall.http.pool import Pool
from seawall.policy.outcome import Outcome, classify
from seawall.policy.queue import Ticket
from seawall.policy.retry import Again, Bounds, Decision, GiveUp, Standing, Through, decide
from seawall.store.rows import Attempt as Row
from seawall.upstream.elsewhere import keep_cookies_away
from seawall.upstream.messages import Attempt, Failure
from seawall.wire import ratelimit
from seawall.wire.errors import named_status

_OWN_LIMITS = {
    "requests": "limit.rate_limited_requests",
    "tokens": "limit.rate_limited_tokens",
    "input tokens": "limit.rate_limited_tokens",
    "output tokens": "limit.rate_limited_tokens",
}
"""Of what the pacer waits for, the causes: nothing need have been refused for it."""
_NAMED = {"limit.rate_limited_requests": "requests", "limit.rate_limited_tokens": "tokens"}
"""The limit that a refusal's words name."""
_CROSSED = 1.0
"""Seconds after a request within which the end of an idle connection may have crossed it: a slow way there and back."""

if TYPE_CHECKING:
    from seawall.gateway.away import Away
    from seawall.gateway.fallback import Way


class Exchange:
    """One call's life. Moments are the loop's monotonic seconds."""

    __slots__ = (
        "_attempt",
        "_attempt_at",
        "_awaited",
        "_away",
        "_deadline_timer",
        "_has_hold",
        "_interrupted",
        "_larger_than",
        "_last",
        "_last_attempt",
        "_loop",
        "_means",
        "_outcome",
        "_own",
        "_permit",
        "_place",
        "_reused",
        "_stopped",
        "_task",
        "arrived_at",
        "call",
        "cause",
        "gate",
        "left",
        "relay",
        "standing",
        "ticket",
        "waiting",
    )

    def __init__(self, call: Call, relay: Relay, means: Means, now: float) -> None:
        self.call = call
        self.relay = relay
        self.arrived_at = now
        """Of this request: a retry takes over what its call has been through."""
        self.standing = Standing(now)
        self.waiting = False
        """In its lane's queue."""
        self.ticket: Ticket | None = None
        """Its place there; None until it first stands in line."""
        self.gate: Gate = means.admission.gate(call.lane)
        self.cause = ""
        self._means = means
        self._loop = means.loop
        self._task: asyncio.Task[None] | None = None
        """Its own, while it waits."""
        self._stopped = False
        """Stopped before that task began."""
        self._attempt: Attempt | None = None
        self._permit: Permit | None = None
        self._reused = False
        """The attempt's connection had carried others."""
        self._attempt_at = now
        self._awaited: asyncio.Future[Failure | None] | None = None
        """The end of an attempt whose answer is kept, which its task waits for."""
        self._place: Place | None = None
        """The place that it took over, while it waits for the answer that is kept there."""
        self._own: asyncio.Future[Permit] | None = None
        """What it waits for in its own lane's queue."""
        self._away: Away | None = None
        """What it does elsewhere, where its user configured that."""
        self._outcome: Outcome | None = None
        """Of its last attempt where its client sent it."""
        self._last: Failure | None = None
        self._interrupted = ""
        self.left = False
        """Its client is gone: the attempt under way is finished for its return, and is the last."""
        self._last_attempt = ""
        """Why the attempt under way is the last, if it is."""
        self._larger_than = ""
        """The limit of its account that it is larger than, by the answer to its last attempt."""
        self._has_hold = True
        self._deadline_timer: asyncio.TimerHandle | None = None
        if means.fallbacks is not None and call.patience.hold > 0:
            self._away = means.fallbacks.away(call, means.admission, means.memory, self._go_instead)

    async def carry(self, begun: Permit | Failure | None = None) -> None:
        """Until an attempt is under way, whose end `ended` hears, or the client has been told.

        `begun`: how the attempt before failed, or its permit, where it must be sent again. A call has a task while it
        waits for its turn or for a connection, and none while its answer comes: that is a quarter of an open stream.
        """
        task = self._task = asyncio.current_task(self._loop)
        self._means.exchanges.add(self)
        try:
            if self._stopped:
                if isinstance(begun, Permit):
                    begun.dropped()
                raise asyncio.CancelledError
            if isinstance(begun, Permit):
                failure = await self._go(begun, fresh=True)
            elif begun is not None:
                failure, begun = begun, None
            elif await self._come_back():
                return
            else:
                failure = await self._try(self.ticket.not_before if self.ticket is not None else 0.0)
            while failure is not None:
                not_before = self._after(failure)
                if not_before is None:
                    return
                failure = await self._try(not_before)
        except asyncio.CancelledError:
            if self._interrupted and task is not None:
                task.uncancel()
            self._end_early()
            if not self._interrupted:
                raise
        finally:
            if self._task is not None:
                self._close()

    # -- without a task -------------------------------------------------------------------------------------------

    def start(self) -> Coroutine[None, None, None] | None:
        """Make the first attempt now, where nothing is in its way; else what will make it."""
        means, call, places = self._means, self.call, self._means.places
        may_come_back = call.may_inherit and (places.any_left or places.any_spent)
        if may_come_back or self._away is not None or self.relay.kept is not None:
            return self.carry()
        now = self._loop.time()
        connection = means.pool.idle(now)
        if connection is None:
            return self.carry()
        try:
            self.ticket = self._new_ticket(None)
            permit = self.gate.at_once(self.ticket, now)
        except BaseException:
            means.pool.put_back(connection)
            self._close()  # no task of its own will
            raise
        if permit is None:
            means.pool.put_back(connection)
            return self.carry()
        means.exchanges.add(self)
        self._mind_limit()
        self._begin_attempt(permit, now)
        self._leave_alone(connection)
        return None

    def _leave_alone(self, connection: UpstreamConnection) -> None:
        """Send the request and wait for nothing: what happens then is told to `ended`, or to `_stop`."""
        self._send(connection)
        self.relay.reply.gone = self._stop
        self._task = None

    def ended(self, failure: Failure | None) -> None:
        """The attempt under way ended."""
        awaited, attempt, permit = self._awaited, self._attempt, self._permit
        if awaited is not None:
            if not awaited.done():
                awaited.set_result(failure)
            return
        assert attempt is not None
        assert permit is not None
        self._attempt = None
        try:
            if failure is None:
                self._succeed(permit, attempt)
                self._close()
            elif self._came_too_late(failure, attempt.sent_at):
                # The other end had closed it while it was idle: next to surely nobody saw the request.
                self.standing.replays += 1
                self.relay.reply.carry_on(self.carry(permit))
            else:
                self._larger_than = _end(permit, attempt, failure)
                self.relay.reply.carry_on(self.carry(failure))
        except Exception as error:
            self._close()
            self.relay.reply.fault(error)

    def _stop(self) -> None:
        """End it early, wherever it is."""
        if self._task is not None:
            self._task.cancel()
        elif self._attempt is None:
            self._stopped = True  # its task has not begun yet
        else:
            attempt, self._attempt = self._attempt, None
            attempt.cancel()
            if self._permit is not None:
                self._permit.dropped()
            try:
                self._end_early()
            finally:
                self._close()

    def _end_early(self) -> None:
        """It was interrupted, or its client is gone."""
        if self.relay.stage is Stage.FINISHED:
            return  # it was cut, and told so
        if self.left:
            self._write_abandoned()
        elif self._interrupted:
            last = self._last.evidence if self._last is not None else None
            self._write(self.cause or UNKNOWN, "given_up", last, None)
            self._give_up(self._interrupted)
        else:
            self._leave()

    def _close(self) -> None:
        """It is over: what it held goes back."""
        self._means.exchanges.discard(self)
        self._means.memory.give(len(self.call.body))
        if self.relay.kept is not None:
            self.relay.forget()
        if self._away is not None:
            self._away.come_home()
        if self._deadline_timer is not None:
            self._deadline_timer.cancel()

    # -- the steps ------------------------------------------------------------------------------------------------

    def _after(self, failure: Failure) -> float | None:
        """The moment from which it is tried again after this failure; None when the failure was told instead."""
        outcome = classify(failure.evidence)
        if self.left:
            self._record(outcome.cause, "abandoned", failure.evidence, outcome)
            return None
        if self.relay.stage >= Stage.COMMITTED:
            self._break_off(failure, outcome)
            return None
        here = self._way() is None
        decision = (self._decide if here else self._decide_elsewhere)(failure, outcome)
        if not isinstance(decision, Again):
            self._tell(failure, outcome, decision)
            return None
        self._record(outcome.cause, "retried", failure.evidence, outcome)
        return self._loop.time() + decision.after

    async def _come_back(self) -> bool:
        """Take over the place that this call's client left; True if its answer was finished meanwhile."""
        call, places, now = self.call, self._means.places, self.standing.started_at
        if places.any_spent and call.may_inherit:
            self._has_hold = not places.is_spent(self.call.twin_key(), now)
        place = None
        if places.any_left and call.may_inherit:
            place = places.take_over(self.call.key(), now)
        if place is not None:
            self.standing, self.cause = place.standing, place.cause
            self.ticket = self._new_ticket(place.tag)
            if self._has_hold and call.patience.hold > 0:
                self.ticket.not_before = place.not_before
        self._mind_limit()
        if place is None or place.answer is None:
            return False
        self._place = place
        kept = await asyncio.shield(place.answer)
        self._place = None
        if kept is None:
            if self._last_attempt:
                self.interrupt(self._last_attempt)
                await asyncio.sleep(0)  # which is where that ends it
            return False
        self.relay.told = msgspec.structs.replace(self._told(), fallback=place.fallback)
        self.relay.replay(kept.take())
        return True

    def _mind_limit(self) -> None:
        if self.call.patience.tell_after is not None:
            at = self.arrived_at + self.call.patience.tell_after
            self._deadline_timer = self._loop.call_at(at, self._limit_is_near)

    def _limit_is_near(self) -> None:
        """It is told what failed, or that it never had its turn. A first attempt goes on: its answer may come yet."""
        if self.waiting or self.cause:
            self.interrupt("the client's own limit is near")

    async def _try(self, not_before: float) -> Failure | None:
        """One attempt, not earlier than that; its failure, or None when it is under way or the answer is there."""
        permit = self._enter(not_before)
        try:
            if not isinstance(permit, Permit):
                self.waiting, self._own = True, permit
                permit = await permit
        except asyncio.CancelledError:
            self._leave_line(permit)
            raise
        finally:
            self.waiting, self._own = False, None
            if self._away is not None:
                self._away.leave_line()
        self._begin_attempt(permit, self._loop.time())
        # One that was idle had died under it: so may the others have.
        return await self._go(permit, fresh=self.standing.replays > 0)

    def _begin_attempt(self, permit: Permit, now: float) -> None:
        self._permit = permit
        self.standing.attempts += 1
        self._attempt_at = now

    def _send(self, connection: UpstreamConnection) -> Attempt:
        """Send the request on this connection."""
        means, call = self._means, self.call
        self._reused = not connection.fresh
        if self.standing.failures or self._away is not None:
            self.relay.told = self._told()
        attempt = self._attempt = Attempt(
            self.relay, self, call.facts, call.limit, means.settings, means.clock.wall
        )
        sent = call if self._away is None else self._way() or call
        attempt.send(connection, sent.head, sent.body)
        return attempt

    async def _go(self, permit: Permit, *, fresh: bool) -> Failure | None:
        """The same with a permit; `fresh`: on a new connection."""
        try:
            connection = await self._pool().acquire(fresh=fresh)
        except DialError as error:
            permit.unreachable()
            return Failure(error.evidence, error.text)
        except BaseException:
            permit.dropped()
            raise
        if self.relay.kept is None:
            self._leave_alone(connection)
            return None
        ended = self._awaited = self._loop.create_future()
        attempt = self._send(connection)
        try:
            failure = await self._end_of_kept(ended)
        except asyncio.CancelledError:
            attempt.cancel()
            permit.dropped()
            raise
        self._attempt = None
        if failure is not None and self._came_too_late(failure, attempt.sent_at):
            self.standing.replays += 1
            return await self._go(permit, fresh=True)
        if failure is None:
            self._succeed(permit, attempt)
        else:
            self._larger_than = _end(permit, attempt, failure)
        return failure

    def _enter(self, not_before: float) -> "Permit | asyncio.Future[Permit]":
        """A permit of its lane or of one elsewhere to which it may go; or its place in line."""
        if self.ticket is None:
            self.ticket = self._new_ticket(None)
        self.ticket.not_before = not_before
        if self._away is not None:
            self._away.come_home()
            # Not before it was tried itself: if new calls went past their own lane, nobody would find it well again.
            instead = self._look_elsewhere() if self._outcome is not None else None
            if instead is not None:
                return instead
        return self.gate.enter(self.ticket)

    def _leave_line(self, own: "Permit | asyncio.Future[Permit]") -> None:
        assert not isinstance(own, Permit)
        assert self.ticket is not None
        if own.cancelled():
            self.gate.leave(self.ticket)
        else:
            own.result().dropped()  # it was ours already: pass it on

    def _new_ticket(self, tag: float | None) -> Ticket:
        facts, patience, hold = self.call.facts, self.call.patience, self._means.settings.hold
        return Ticket(
            self.call.flow,
            self.standing.started_at,
            self._deadline() if patience.hold > 0 else self.standing.started_at + hold.longest,
            size=facts.size,
            tokens=facts.tokens,
            most_output=facts.max_tokens if facts.max_tokens is not None else math.inf,
            deferrable=self.call.deferrable,
            waits=patience.hold > 0 and self._has_hold,
            tag=tag,
        )

    def heard(self, head: AnswerHead) -> None:
        """An answer has begun: what it says of its account, its limits and the service's load is learned now."""
        permit, means, lower = self._permit, self._means, head.lower
        assert permit is not None
        if b"x-seawall-fallback" in lower:
            lower = {}  # a gateway behind this one had it answered elsewhere: the account and the limits are others'
        if self._away is None or self._pool() is means.pool:
            credential = self.call.caller.credential
            account = means.accounts.learn(credential, lower.get(b"anthropic-organization-id"))
            if account is not None:
                means.admission.rename(credential, account)
                means.records.rename(credential, account)
        else:
            keep_cookies_away(head)
        permit.heard(head.status, lower, means.clock.wall)

    async def _end_of_kept(self, ended: asyncio.Future[Failure | None]) -> Failure | None:
        """The same of an answer that is kept: if the client goes away, it is brought home for its return."""
        assert self._task is not None
        try:
            return await asyncio.shield(ended)
        except asyncio.CancelledError:
            if self._interrupted or self.relay.kept is None or self.relay.stage is Stage.FINISHED:
                raise
        self._task.uncancel()
        self.left = True
        source = self.relay.reply.source
        if source is not None:
            source.resume()  # it may have waited for the client to read
        answer: asyncio.Future[Kept | None] = self._loop.create_future()
        answer.add_done_callback(self._wanted_no_more)
        place = self._leave(answer)
        kept = None
        try:
            failure = await ended
            if failure is None:
                kept, self.relay.kept = self.relay.kept, None
        finally:
            if not answer.done():
                answer.set_result(kept)
            self._means.places.came(self.call.key(), place, self._loop.time())
        return failure

    def _wanted_no_more(self, answer: "asyncio.Future[Kept | None]") -> None:
        if answer.cancelled():
            self._stop()

    def committed(self) -> None:
        """Nothing is sent again from now on: what was kept for that goes, however long the answer lasts."""
        if self.relay.kept is None:
            self._means.memory.give(len(self.call.body))
            self.call = msgspec.structs.replace(self.call, head=b"", body=b"", plain=None)
            self.ticket = None
            if self._away is not None:
                self._away.committed()

    def _came_too_late(self, failure: Failure, sent_at: float) -> bool:
        """Whether the end of a reused connection crossed the request: only then nobody read it, and not for ever."""
        evidence = failure.evidence
        gone = self._reused and evidence.fault in (Fault.CONNECTION_RESET, Fault.CONNECTION_CLOSED)
        crossed = gone and evidence.status is None and self._loop.time() - sent_at < _CROSSED
        return crossed and not self.left and not self.call.acts_twice and self._may_replay()

    def _may_replay(self) -> bool:
        return self.standing.replays < self._means.settings.hold.replays

    # -- elsewhere ------------------------------------------------------------------------------------------------

    def _way(self) -> "Way | None":
        """Where the attempt under way goes instead; None: where its client sent it."""
        return self._away.way if self._away is not None else None

    def _pool(self) -> Pool:
        way = self._way()
        return self._means.pool if way is None or way.pool is None else way.pool

    def _lane(self) -> LaneKey:
        way = self._way()
        return self.call.lane if way is None else way.lane

    def _look_elsewhere(self) -> Permit | None:
        """A permit to go elsewhere, if the call may now; or it stands in line there, beside its own line."""
        if self._away is None or not self._has_hold or self._last_attempt:
            return None
        outcome, held = self._outcome, self._loop.time() - self.standing.started_at
        if outcome is None:
            # It was never tried itself: others in its lane failed while it waited, and none has succeeded since.
            cause = self._means.records.cause_in(self.call.lane, self._means.clock.wall() - held)
            if not cause:
                return None
            outcome = Outcome(cause, lookup(cause).hold)
        permit = self._away.look(outcome, held, lambda: self._new_ticket(None))
        if permit is not None or self._away.waiting:
            self.cause = outcome.cause
        return permit

    def _go_instead(self, permit: Permit) -> bool:
        """A lane elsewhere lets the call go while it stands in its own line; its ticket keeps its place there."""
        own = self._own
        if own is None or own.done():
            return False
        assert self.ticket is not None
        self.gate.leave(self.ticket)
        own.set_result(permit)
        return True

    # -- the decisions --------------------------------------------------------------------------------------------

    def _decide(self, failure: Failure, outcome: Outcome) -> Decision:
        now, means = self._loop.time(), self._means
        self.standing.failed(outcome, now)
        self._last = failure
        self.cause = outcome.cause
        acts_twice = outcome.ambiguous and self.call.acts_twice
        if failure.evidence.fault is Fault.ASLEEP and not acts_twice and not self._last_attempt:
            return Again(0.0)
        self._outcome = outcome
        if self.call.patience.hold <= 0 or (self._larger_than and self._away is None):
            return Through()
        bounds = Bounds(self._deadline(), not acts_twice and self._may_replay(), self._has_hold)
        self.standing.replays += outcome.ambiguous
        decision = decide(outcome, self.standing, bounds, now, means.settings.backoff, means.rng)
        if self._last_attempt and isinstance(decision, Again):
            return GiveUp(self._last_attempt)
        return decision

    def _decide_elsewhere(self, failure: Failure, outcome: Outcome) -> Again | GiveUp:
        """An attempt elsewhere failed: nothing of that is for the client, and its own hold goes on as it was."""
        assert self._away is not None
        settings, now = self._means.settings, self._loop.time()
        if failure.evidence.fault is not Fault.ASLEEP:
            held, rest = now - self.standing.started_at, settings.backoff.most
            self._away.failed(outcome, failure.evidence.status, held, rest)
        if self._last_attempt:
            return GiveUp(self._last_attempt)
        if outcome.ambiguous:
            self.standing.replays += 1
            if self.call.acts_twice or self.standing.replays > settings.hold.replays:
                return GiveUp("it may have been carried out already, so it is not sent again")
        own = self.ticket.not_before if self.ticket is not None else now
        return Again(max(0.0, own - now))

    def _deadline(self) -> float:
        """No attempt begins after this moment."""
        patience = self.call.patience
        deadline = self.standing.started_at + patience.hold
        return (
            deadline if patience.tell_after is None else min(deadline, self.arrived_at + patience.tell_after)
        )

    # -- the endings ----------------------------------------------------------------------------------------------

    def _succeed(self, permit: Permit, attempt: Attempt) -> None:
        permit.ended(attempt.usage)
        records, way, now = self._means.records, self._way(), self._loop.time()
        lane = self.call.lane if way is None else way.lane
        added = self._attempt_at - self.arrived_at if self.standing.attempts == 1 else None
        begun = attempt.content_at
        records.succeed(lane, added, (begun or now) - self._attempt_at)
        if begun is not None and attempt.usage is not None:
            records.streamed(begun - attempt.sent_at, now - attempt.sent_at, attempt.usage.output)
        self.relay.finish()
        records.unread += attempt.unread
        if way is not None or (self.cause and self.standing.attempts > 1):
            records.fell_back += way is not None
            records.ended(self.call.lane, self.cause, finished=True)
            # Of one that nobody could read it is not sure that it ends an outage: history does not count it.
            self._write(None, "unread" if attempt.unread else "recovered", None, None)

    def _break_off(self, failure: Failure, outcome: Outcome) -> None:
        self._means.records.cut()
        self.relay.break_off(failure)
        self._record(outcome.cause, "broken", failure.evidence, outcome)

    def _tell(self, failure: Failure, outcome: Outcome, decision: Through | GiveUp) -> None:
        match decision:
            case Through():
                self.relay.told = self._told(self._hint(failure))
                self.relay.pass_on(failure)
                self._record(outcome.cause, "passed", failure.evidence, outcome)
            case GiveUp(reason):
                self._record(outcome.cause, "given_up", failure.evidence, outcome)
                self._give_up(reason)
            case _:
                assert_never(decision)

    def _hint(self, failure: Failure) -> str:
        if self._larger_than and failure.evidence.status == 429:
            return f"this call alone is larger than the limit of {self._larger_than} a minute: no wait cures that"
        stale = failure.evidence.status == 401 and self._held() > self._means.settings.hold.stale_token_after
        return "the token may have expired while the call was held; a new one will do" if stale else ""

    def _give_up(self, reason: str) -> None:
        """Hand on the last failure; the client's retry of this call is not held again."""
        means = self._means
        means.records.ended(self.call.lane, self.cause, finished=False)
        if self._away is not None:
            self._away.come_home()
        if self.call.may_inherit:
            means.places.spend(self.call.twin_key(), self._loop.time())
        waited = self._loop.time() - self.standing.started_at
        self.relay.told = self._told(f"given up after {waited:.0f} s: {reason}")
        self.relay.give_up(self._last, reason, means.settings.hold, means.rng)

    def _leave(self, answer: "asyncio.Future[Kept | None] | None" = None) -> Place:
        """The client is gone: keep its place for its return, with the `answer` that is finished for it."""
        place = self._place or Place(
            replace(self.standing),
            tag=self.ticket.tag if self.ticket is not None else None,
            not_before=self.ticket.not_before if self.ticket is not None else 0.0,
            cause=self.cause,
            answer=answer,
            fallback=way.told if answer is not None and (way := self._way()) is not None else "",
        )
        if self.call.may_inherit and (answer is not None or self.relay.stage < Stage.COMMITTED):
            self._means.places.leave(self.call.key(), place, self._loop.time())
        if answer is None:
            self._write_abandoned()
        return place

    def _write_abandoned(self) -> None:
        if self.relay.stage >= Stage.COMMITTED:
            self._write(None, "abandoned", None, None)
        elif self.standing.failures:
            self._write(self.cause, "abandoned", None, None)

    # -- from outside ---------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Look at every limit of this call."""
        patience, hold = self.call.patience, self._means.settings.hold
        if self._attempt is not None:
            self._attempt.tick(now)
        if self.left:
            if self.relay.kept is None:
                self._stop()  # it became too large to be kept
            return
        if patience.open_after is not None and now - self.arrived_at >= patience.open_after:
            self.relay.open(now)
        self.relay.tick(now, hold.ping_every)
        if not self.waiting or patience.hold <= 0:
            return
        if now > self._deadline():
            self.interrupt(
                "it was held as long as it may be"
                if self.standing.failures
                else "it waited in the queue as long as it may"
            )
        elif self._own is not None and not self._own.done():
            instead = self._look_elsewhere()
            if instead is not None:
                self._go_instead(instead)

    def interrupt(self, reason: str) -> None:
        """Give up now, unless content has been sent, or there is nobody to tell."""
        if self.relay.stage < Stage.COMMITTED and not self._interrupted and not self.left:
            self._interrupted = reason
            if self.waiting and not self.cause:
                self._interrupted += self._waited_for()
            self._stop()

    def _waited_for(self) -> str:
        """What kept it in line until now, where it was never tried: a sentence, and its cause if it is one."""
        now, means = self._loop.time(), self._means
        wait = self.gate.lane.peek(now)
        if wait is not None and wait.why == "concurrency":
            most = means.settings.concurrency
            return f". What it waited for: one of {most} places (gateway.concurrency)"
        self.cause = means.records.waited_out(
            self.call.lane, means.clock.wall() - (now - self.standing.started_at)
        ) or _OWN_LIMITS.get(wait.why if wait is not None else "", "")
        return f". What it waited for: {lookup(self.cause).title} ({self.cause})" if self.cause else ""

    @property
    def may_be_shed(self) -> bool:
        """It only waits, and its client can still be given a plain error."""
        return self.waiting and not self.relay.opened and not self._interrupted

    def shed(self, reason: str) -> None:
        """Give up for Seawall's own reasons, which no upstream's error tells."""
        self._last, self.cause = None, "seawall.memory_full"
        self.interrupt(reason)

    def drain(self, reason: str) -> None:
        """Try no more: what only waits is told so now, an attempt under way may still succeed."""
        self._last_attempt = reason
        if self.waiting and not self.relay.opened:
            self.cause = self.cause or "seawall.stopping"
            self.interrupt(reason)

    def cut(self) -> None:
        """Stop at once; what had begun ends with an error."""
        if self.left:
            self._stop()
        elif self.relay.stage >= Stage.COMMITTED:
            self._means.records.cut()
            self.relay.break_off(None)
            self._write("seawall.stopping", "broken", None, None)
            self._stop()
        else:
            self.cause = self.cause or "seawall.stopping"
            self.interrupt("it is stopping")

    def slept(self) -> None:
        """The machine slept."""
        if self._attempt is not None:
            self._attempt.slept()

    # -- what is told and kept ------------------------------------------------------------------------------------

    def _held(self) -> float:
        held = self.standing.failures or self._way() is not None
        return self._loop.time() - self.standing.started_at if held else 0.0

    def _told(self, note: str = "") -> Told:
        way, skipped = self._way(), self._away.skipped if self._away is not None else []
        if not self.standing.failures and not note and way is None:
            return self.relay.told
        notes = "; ".join([note, *skipped] if note else skipped)
        attempts, fallback = self.standing.attempts, way.told if way else ""
        return Told(self.call.id, attempts, self._held(), self.cause, notes, fallback)

    def _record(self, cause: str, ended: str, evidence: Evidence, outcome: Outcome) -> None:
        self._means.records.count(self._lane(), cause, ended, by_api(evidence.request_id))
        self._write(cause, ended, evidence, outcome)

    def _write(
        self, cause: str | None, ended: str, evidence: Evidence | None, outcome: Outcome | None
    ) -> None:
        call, means, now = self.call, self._means, self._loop.time()
        at, held, hold = means.clock.wall(), self._held(), means.settings.hold
        way = self._way()
        # Without an outcome, a cause is why its own lane kept it, wherever it was just then.
        lane = self._lane() if cause is None or outcome is not None else call.lane
        row = Row(
            at=at,
            utc_offset=utc_offset(at),
            call=call.id,
            number=self.standing.attempts or 1,  # one that never went stands for itself
            route=lane.route,
            family=lane.family,
            status=evidence.status if evidence else None,
            error_type=evidence.error_type if evidence else None,
            cause=cause,
            request_id=evidence.request_id if evidence else None,
            took=now - self._attempt_at,
            held=held,
            ended=ended,
            client=client_name(call.user_agent),
            account=lane.account,
            maybe_billed=outcome is not None and outcome.ambiguous,
            cache_cold=held > hold.cold_after and call.facts.tokens > hold.cold_tokens,
            input_bytes=call.facts.size,
            fallback=way.told if way is not None else None,
        )
        means.records.write(row)


def _label(evidence: Evidence) -> str:
    """What refused, in a word that a person can look up: a status, the error inside of a 200, or what broke."""
    if evidence.status != 200:
        return str(evidence.status or evidence.fault or "no answer")
    if evidence.error_type is not None:
        return named_status(evidence.error_type) or evidence.error_type
    return evidence.fault or "200 without an answer"


def _end(permit: Permit, attempt: Attempt, failure: Failure) -> str:
    """Tell the lane how an attempt failed; the limit of the account that it is larger than, or an empty text."""
    evidence = failure.evidence
    if evidence.fault is Fault.ASLEEP:
        permit.dropped()
    elif evidence.phase is Phase.CONTENT:
        permit.ended()
    elif evidence.status == 429 and (outcome := classify(evidence)).hold is not Hold.NO:
        # The API's own word that starts grew too fast: no bucket is to blame, whatever is left in it.
        limits = ratelimit.NONE if evidence.error_code == "ramp_limit_exceeded" else attempt.limits
        named = _NAMED.get(outcome.cause, "") if limits.raw else ""
        return permit.limited(limits, evidence.retry_after, named)
    elif evidence.status is None or evidence.status >= 500 or evidence.in_stream or evidence.status == 200:
        permit.refused(_label(evidence))
    else:
        permit.dropped()
    return ""
