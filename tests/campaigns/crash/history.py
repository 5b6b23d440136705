# SPDX-License-Identifier: ISC
"""What clients saw of a store, and whether a correct store could show that.

A history is a list of operations, with the moments when each was sent and
answered. An operation whose outcome is not known may take effect at any time,
or never. Each artifact has two registers, its title and the hash of its
content; each write has a value of its own. The checker finds

- a value that nobody wrote, or one whose write was refused,
- a stale read: an older value after a newer one was acknowledged or read,
- a lost update: two conditional writes that replaced the same value,
- an artifact that is there twice, is missing, or is back after its delete,
- a list that holds what is not there or lacks what is,
- a page that skips or repeats.
"""

ABSENT = "absent"
NEVER = float("inf")


class Write:
    """A value that came to a register; until it is known, answered NEVER."""

    def __init__(self, value, asked, answered=NEVER):
        self.value, self.asked, self.answered = value, asked, answered
        self.replaces = None  # a conditional write: the value before it


class Register:
    """The writes and reads of one title or one content."""

    def __init__(self):
        self.writes, self.reads = [], []

    def problems(self, name):
        by_value = {}
        for write in self.writes:
            by_value.setdefault(write.value, []).append(write)
        seen = []
        for asked, answered, value in sorted(self.reads):
            if value not in by_value:
                yield f"{name}: {value} was never written"
                continue
            # Of more than one (deletes) the kindest.
            if all(write.asked > answered for write in by_value[value]):
                yield f"{name}: {value} was read before it was written"
            if all(self.is_over(write, asked) for write in by_value[value]):
                yield f"{name}: {value} was read after it was replaced"
            for before, known in seen:
                if before < asked and known != value and all(
                        new.answered < old.asked
                        for new in by_value[value]
                        for old in by_value[known]):
                    yield f"{name}: {value} was read after {known}"
            seen.append((answered, value))
        replaced = {}
        for write in self.writes:
            if write.replaces is not None and write.answered != NEVER:
                if write.replaces in replaced:
                    yield (f"{name}: {write.value} and "
                           f"{replaced[write.replaces]} both replaced "
                           f"{write.replaces}: an update is lost")
                replaced[write.replaces] = write.value

    def is_over(self, write, moment):
        """Was it replaced, for certain, before this moment?"""
        return any(other is not write and other.value != write.value
                   and other.asked > write.answered
                   and other.answered < moment for other in self.writes)


class Artifact:
    """One that was asked to be made; its id, once it is known."""

    def __init__(self, name):
        self.name = name  # its first title: nobody else has it
        self.titles, self.contents = Register(), Register()
        self.created, self.deletes = NEVER, []

    def problems(self):
        yield from self.titles.problems(f"title of {self.name}")
        yield from self.contents.problems(f"content of {self.name}")
        done = [write for write in self.deletes if write.answered != NEVER]
        if len(done) > 1 and not any(
                write.answered == NEVER for write in self.deletes):
            yield f"{self.name} was deleted {len(done)} times"

    def must_be(self, asked, answered):
        """Is it there for certain between these moments?"""
        return self.created < asked and not any(
            write.asked < answered for write in self.deletes)

    def must_not_be(self, asked):
        return any(write.answered < asked for write in self.deletes)


class History:
    """All of it. Not locked: the caller does."""

    def __init__(self):
        self.artifacts = {}  # id -> Artifact
        self.lost = {}  # name -> Artifact without a known id
        self.lists = []  # (asked, answered, [(id, first title), …])

    def problems(self):
        for artifact in self.artifacts.values():
            yield from artifact.problems()
        for asked, answered, listed in self.lists:
            yield from self.list_problems(asked, answered, listed)

    def list_problems(self, asked, answered, listed):
        if len(set(listed)) != len(listed):
            yield "a list repeats"
        for made in listed:
            artifact = self.artifacts.get(made)
            if artifact and artifact.must_not_be(asked):
                yield f"{artifact.name} is listed after its delete"
        there = set(listed)
        for made, artifact in self.artifacts.items():
            if made not in there and artifact.must_be(asked, answered):
                yield f"{artifact.name} is not listed"
