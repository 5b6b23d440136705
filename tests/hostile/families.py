# SPDX-License-Identifier: ISC
"""The families of the corpus: name -> inputs, read or generated."""

import corpus


def of_file(name):
    return lambda given: corpus.read(name)


FAMILIES = {
    "json": lambda given: corpus.json_inputs(),
    **{name: of_file(name) for name in (
        "members", "queries", "cursors", "paths")},
}
